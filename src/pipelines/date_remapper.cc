#include "pipelines/date_remapper.h"

#include "pipelines/date.h"

namespace postglass::pipelines {

Status DateRemapper::Process(Log& log, Context& context) const {
  if (context.date_set) return {};
  for (const std::string& source : sources_) {
    const json::value* v = json::FindPath(log.attributes, source);
    if (v == nullptr) continue;
    if (const auto millis = ParseLogDate(*v, context.now)) {
      log.timestamp_ms = *millis;
      context.date_set = true;
      return {};
    }
  }
  return {};
}

}  // namespace postglass::pipelines
