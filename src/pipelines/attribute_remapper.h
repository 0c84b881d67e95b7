#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Moves or copies the first source that is there to the target: attribute or tag on either side.
class AttributeRemapper {
 public:
  enum class Kind { kAttribute, kTag };
  enum class Format { kAuto, kString, kInteger, kDouble };

  struct Options {
    std::vector<std::string> sources;  // attribute paths, or tag keys
    std::string target;                // attribute path, or tag key
    Kind source_kind = Kind::kAttribute;
    Kind target_kind = Kind::kAttribute;
    Format format = Format::kAuto;  // of an attribute target; a failed cast keeps the value
    bool preserve_source = false;
    bool override_on_conflict = false;  // of an attribute target
  };

  explicit AttributeRemapper(Options options) : options_(std::move(options)) {}

  // kInvalidArgument when the target's name holds ':' or ','.
  Status Process(Log& log, Context& context) const;

 private:
  Options options_;
};

}  // namespace postglass::pipelines
