#pragma once

#include <string>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// The array processor's operation key-value: an array of objects such as SES's mail.headers
// [{name,value}] becomes one object by key.
class KeyValueProcessor {
 public:
  enum class Duplicates {
    kKeepFirst,  // the original's way
    kCollect,    // an array of all values, in order: a mail may carry a header twice
  };

  struct Options {
    std::string source;            // path of the array
    std::string key_to_extract;    // member that holds the key; must be a string
    std::string value_to_extract;  // member that holds the value
    std::string target;            // path of the object; empty: the root
    bool override_on_conflict = false;
    Duplicates duplicates = Duplicates::kKeepFirst;
  };

  explicit KeyValueProcessor(Options options) : options_(std::move(options)) {}

  Status Process(Log& log, Context& context) const;

 private:
  Options options_;
};

}  // namespace postglass::pipelines
