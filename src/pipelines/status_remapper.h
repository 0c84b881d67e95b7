#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Sets the official status from the first source that is there, through the status map.
class StatusRemapper {
 public:
  explicit StatusRemapper(std::vector<std::string> sources) : sources_(std::move(sources)) {}

  Status Process(Log& log, Context& context) const;

 private:
  std::vector<std::string> sources_;
};

}  // namespace postglass::pipelines
