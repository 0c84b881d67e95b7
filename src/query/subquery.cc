#include "query/subquery.h"

#include <fmt/format.h>

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "query/parser.h"
#include "store/plan.h"

namespace postglass::query {

namespace {

class CollectValues final : public store::Sink {
 public:
  void TopValues(std::size_t, std::span<const store::ValueCount> values) override {
    complete = complete && values.size() <= kSubqueryValuesMax;
    for (const store::ValueCount& value : values) all.insert(value.value);
  }

  std::set<std::string> all;
  bool complete = true;
};

class Resolver {
 public:
  Resolver(const TimeRange& range, std::stop_token stop, QueryRunner& runner)
      : range_(range), stop_(std::move(stop)), runner_(runner) {}

  std::optional<store::Predicate> Resolve(const std::vector<store::Field>& fields,
                                          const store::Predicate& where) {
    if (++asked_ > kSubqueriesMax) {
      failure_ = BadRequest(fmt::format("more than {} queries within a query", kSubqueriesMax));
      return std::nullopt;
    }
    store::Plan plan;
    plan.where = where;
    plan.stop = stop_;
    SetRange(range_, plan);
    for (const store::Field& field : fields) {
      plan.top_values.push_back({field, kSubqueryValuesMax + 1});
    }
    CollectValues values;
    const Result<store::RunReport> report = runner_.Run(std::move(plan), values);
    if (!report) {
      failure_ = FromStore(report.error());
      return std::nullopt;
    }
    if (!values.complete || values.all.size() > kSubqueryValuesMax) {
      failure_ =
          TooMany(fmt::format("more than {} values of {}", kSubqueryValuesMax, fields[0].name));
      return std::nullopt;
    }
    for (const std::string& value : values.all) bytes_ += value.size();
    if (bytes_ > kSubqueryBytesMax) {
      failure_ = TooMany(fmt::format("more than {} bytes of values", kSubqueryBytesMax));
      return std::nullopt;
    }
    store::Or any;
    for (const store::Field& field : fields) {
      any.operands.push_back(OneOf(field, {values.all.begin(), values.all.end()}));
    }
    return store::Predicate{std::move(any)};
  }

  std::optional<SearchError>& failure() { return failure_; }

 private:
  static SearchError TooMany(const std::string& what) {
    return {
        SearchError::Kind::kTooLarge,
        fmt::format("a query within the query (IN) finds {}; narrow it or the time range", what),
        std::nullopt};
  }

  const TimeRange& range_;
  const std::stop_token stop_;
  QueryRunner& runner_;
  std::size_t asked_ = 0;
  std::size_t bytes_ = 0;
  std::optional<SearchError> failure_;
};

SearchError FromSyntax(SyntaxError error) {
  return {SearchError::Kind::kBadQuery, std::move(error.message), error.position};
}

}  // namespace

store::Predicate OneOf(const store::Field& field, std::vector<std::string> values) {
  if (values.empty()) return {store::MatchNone{}};
  store::Or any;
  for (std::string& value : values) {
    any.operands.push_back({store::TermMatch{field, std::move(value), true, false}});
  }
  return {std::move(any)};
}

std::variant<store::Predicate, SearchError> ParseAndResolve(std::string_view query,
                                                            const TimeRange& range,
                                                            std::stop_token stop,
                                                            QueryRunner& runner) {
  // The whole text must be right before anything is asked of the store.
  bool asks = false;
  auto parsed = Parse(query, [&](const std::vector<store::Field>&, const store::Predicate&) {
    asks = true;
    return std::optional(store::Predicate{store::MatchNone{}});
  });
  if (auto* error = std::get_if<SyntaxError>(&parsed)) return FromSyntax(std::move(*error));
  if (!asks) return std::move(std::get<store::Predicate>(parsed));
  Resolver resolver(range, std::move(stop), runner);
  parsed =
      Parse(query, [&](const std::vector<store::Field>& fields, const store::Predicate& where) {
        return resolver.Resolve(fields, where);
      });
  if (resolver.failure()) return std::move(*resolver.failure());
  if (auto* error = std::get_if<SyntaxError>(&parsed)) return FromSyntax(std::move(*error));
  return std::move(std::get<store::Predicate>(parsed));
}

}  // namespace postglass::query
