#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/filter.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Writes the name of the first category whose filter matches into the target attribute.
class CategoryProcessor {
 public:
  struct Category {
    Filter filter;
    std::string name;
  };

  CategoryProcessor(std::vector<Category> categories, std::string target)
      : categories_(std::move(categories)), target_(std::move(target)) {}

  Status Process(Log& log, Context& context) const;

 private:
  std::vector<Category> categories_;
  std::string target_;
};

}  // namespace postglass::pipelines
