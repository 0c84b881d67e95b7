#include "pipelines/filter.h"

#include <fmt/format.h>

#include <variant>

#include "base/check.h"
#include "query/parser.h"

namespace postglass::pipelines {
namespace {

store::Matcher CompileTrusted(const store::Predicate& predicate) {
  auto matcher = store::Matcher::Compile(predicate);
  CHECK(matcher.has_value());
  return *std::move(matcher);
}

}  // namespace

Filter::Filter() : Filter(store::Predicate{store::MatchAll{}}) {}

Filter::Filter(const store::Predicate& predicate) : matcher_(CompileTrusted(predicate)) {}

Result<Filter> Filter::Parse(std::string_view query) {
  const auto parsed = query::Parse(query);
  if (const auto* error = std::get_if<query::SyntaxError>(&parsed)) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("filter \"{}\": {} at byte {}", query, error->message, error->position));
  }
  ASSIGN_OR_RETURN(store::Matcher matcher,
                   store::Matcher::Compile(std::get<store::Predicate>(parsed)));
  return Filter(std::move(matcher));
}

bool Filter::Matches(const Log& log) const {
  if (matcher_.matches_all()) return true;
  store::Reserved reserved;
  reserved.timestamp_ms = log.timestamp_ms;
  reserved.message = log.message;
  reserved.status = log.status;
  reserved.service = log.service;
  reserved.source = log.source;
  reserved.host = log.host;
  reserved.tags = log.tags;
  return matcher_.MatchesObject(reserved, log.attributes);
}

}  // namespace postglass::pipelines
