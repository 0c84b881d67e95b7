#include "pipelines/status_remapper.h"

#include "pipelines/status.h"
#include "pipelines/tree.h"

namespace postglass::pipelines {

Status StatusRemapper::Process(Log& log, Context& context) const {
  if (context.status_set) return {};
  for (const std::string& source : sources_) {
    const json::value* v = json::FindPath(log.attributes, source);
    if (v == nullptr) continue;
    log.status = MapStatus(TextOf(*v));
    context.status_set = true;
    return {};
  }
  return {};
}

}  // namespace postglass::pipelines
