#pragma once

#include <string>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Parses the JSON text in one attribute, or in the message, and merges it into the root: grok's
// `%{data::json}`. Fields of the text win over those that are there. Text that is not an object
// stays where it is. `source` is a dotted path or "message".
class JsonParser {
 public:
  struct Options {
    std::string source;
    bool preserve_source = true;
  };

  explicit JsonParser(Options options) : options_(std::move(options)) {}

  // kInvalidArgument when the text begins like an object and is not well-formed.
  Status Process(Log& log, Context& context) const;

 private:
  Options options_;
};

// Parses `text` as one object into the memory of `storage`, within json::kDepthMax.
Result<json::object> ParseObjectInto(std::string_view text, boost::json::storage_ptr storage);

}  // namespace postglass::pipelines
