#include "pipelines/category_processor.h"

#include "pipelines/tree.h"

namespace postglass::pipelines {

Status CategoryProcessor::Process(Log& log, Context&) const {
  for (const Category& category : categories_) {
    if (!category.filter.Matches(log)) continue;
    SetPath(log.attributes, target_, json::value(category.name, log.attributes.storage()));
    return {};
  }
  return {};
}

}  // namespace postglass::pipelines
