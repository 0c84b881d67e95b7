#pragma once

#include <string_view>

#include "base/result.h"
#include "pipelines/log.h"
#include "store/match.h"

namespace postglass::pipelines {

// A search query as the filter of a pipeline or category: tested on a log as it is at that moment.
// Cheap to copy; thread-safe.
class Filter {
 public:
  Filter();  // matches everything
  // Requires: a predicate that compiles; for those written in code.
  explicit Filter(const store::Predicate& predicate);
  // kInvalidArgument names the position of the mistake.
  static Result<Filter> Parse(std::string_view query);

  bool Matches(const Log& log) const;

 private:
  explicit Filter(store::Matcher matcher) : matcher_(std::move(matcher)) {}

  store::Matcher matcher_;
};

}  // namespace postglass::pipelines
