#include "pipelines/service_remapper.h"

#include "pipelines/tree.h"

namespace postglass::pipelines {

Status ServiceRemapper::Process(Log& log, Context& context) const {
  if (context.service_set) return {};
  for (const std::string& source : sources_) {
    const json::value* v = json::FindPath(log.attributes, source);
    if (v == nullptr) continue;
    std::string text = TextOf(*v);
    if (text.empty()) continue;
    log.service = std::move(text);
    context.service_set = true;
    return {};
  }
  return {};
}

}  // namespace postglass::pipelines
