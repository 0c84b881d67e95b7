#include "pipelines/message_remapper.h"

#include "pipelines/tree.h"

namespace postglass::pipelines {

Status MessageRemapper::Process(Log& log, Context& context) const {
  if (context.message_set) return {};
  for (const std::string& source : sources_) {
    const json::value* v = json::FindPath(log.attributes, source);
    if (v == nullptr) continue;
    std::string text = TextOf(*v);
    if (text.empty()) continue;
    log.message = std::move(text);
    context.message_set = true;
    return {};
  }
  return {};
}

}  // namespace postglass::pipelines
