#include "main/health.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "main/version.h"

namespace postglass {

bool Health::ready() const {
  return std::all_of(
      probes_.begin(), probes_.end(), [](const Entry& entry) { return entry.probe().ok; });
}

std::vector<std::string> Health::Warnings() const {
  std::vector<std::string> warnings = notices_;
  for (const Entry& entry : probes_) {
    const Finding finding = entry.probe();
    if (!finding.reason.empty()) {
      warnings.push_back(fmt::format("{}: {}", entry.stage, finding.reason));
    }
  }
  return warnings;
}

net::HttpResponse Health::Ready() const {
  bool ready = true;
  json::object stages;
  for (const Entry& entry : probes_) {
    const Finding finding = entry.probe();
    ready = ready && finding.ok;
    json::object stage{{"ok", finding.ok}};
    if (!finding.reason.empty()) stage["reason"] = finding.reason;
    stages[entry.stage] = std::move(stage);
  }
  return net::JsonResponse(
      ready ? 200 : 503,
      json::Serialize(json::object{{"ready", ready}, {"stages", std::move(stages)}}));
}

net::HttpResponse Health::Show() const {
  json::array warnings;
  for (const std::string& warning : Warnings()) warnings.emplace_back(warning);
  return net::JsonResponse(
      200,
      json::Serialize(json::object{
          {"ready", ready()}, {"version", kVersion}, {"warnings", std::move(warnings)}}));
}

}  // namespace postglass
