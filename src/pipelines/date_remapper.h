#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Sets the official date from the first source that holds one (ParseLogDate). Never drops a log for
// its age, unlike the original.
class DateRemapper {
 public:
  explicit DateRemapper(std::vector<std::string> sources) : sources_(std::move(sources)) {}

  Status Process(Log& log, Context& context) const;

 private:
  std::vector<std::string> sources_;
};

}  // namespace postglass::pipelines
