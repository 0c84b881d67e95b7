#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Sets the official service from the first source that is there and not empty.
class ServiceRemapper {
 public:
  explicit ServiceRemapper(std::vector<std::string> sources) : sources_(std::move(sources)) {}

  Status Process(Log& log, Context& context) const;

 private:
  std::vector<std::string> sources_;
};

}  // namespace postglass::pipelines
