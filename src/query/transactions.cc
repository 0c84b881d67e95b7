#include "query/transactions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>
#include <utility>

#include "query/measures.h"
#include "query/subquery.h"
#include "store/group.h"

namespace postglass::query {

namespace {

using store::GroupKey;
using store::GroupRequest;
using store::Measure;

constexpr std::array<std::string_view, 9> kSeverity = {
    "emergency", "alert", "critical", "error", "warn", "notice", "info", "debug", "ok"};

class CollectGroups final : public store::Sink {
 public:
  void Groups(std::size_t i, std::span<const store::Group> groups) override {
    by_request[i].assign(groups.begin(), groups.end());
  }

  std::map<std::size_t, std::vector<store::Group>> by_request;
};

const store::Field& TimeField() {
  static const store::Field field{store::Field::Kind::kReserved, "timestamp"};
  return field;
}

GroupKey KeyOf(store::Field field, std::size_t limit, std::uint32_t measure) {
  GroupKey key;
  key.field = std::move(field);
  key.limit = limit;
  key.order = {measure, false};
  return key;
}

Timestamp TimeOf(const store::MeasureValue& value) {
  return Timestamp::FromMillis(static_cast<std::int64_t>(value.value.value_or(0)));
}

std::uint64_t CountOf(const store::MeasureValue& value) {
  return static_cast<std::uint64_t>(value.value.value_or(0));
}

// The transactions with a matching event, the newest first.
GroupRequest MatchingRequest(const store::Field& by) {
  GroupRequest request;
  request.measures = {{}, {Measure::Kind::kMax, TimeField(), 0, std::nullopt}};
  request.keys = {KeyOf(by, kTransactionsLookedAtMax + 1, 1)};
  return request;
}

GroupRequest WholeRequest(const store::Field& by) {
  GroupRequest request;
  request.measures = {{},
                      {Measure::Kind::kMin, TimeField(), 0, std::nullopt},
                      {Measure::Kind::kMax, TimeField(), 0, std::nullopt}};
  // An event of several transactions may bring in others; their number has no bound but memory.
  request.keys = {KeyOf(by, std::numeric_limits<std::size_t>::max(), 0)};
  return request;
}

GroupRequest CountsRequest(const store::Field& by, store::Field kind) {
  GroupRequest request;
  request.measures = {{}};
  request.keys = {KeyOf(by, std::numeric_limits<std::size_t>::max(), 0),
                  KeyOf(std::move(kind), kTransactionKindsMax, 0)};
  return request;
}

void Sort(const TransactionsRequest& request, std::vector<Transaction>& transactions) {
  using By = TransactionsRequest::Sort;
  const auto place = [&](const Transaction& t) -> std::int64_t {
    switch (request.sort) {
      case By::kLast:
        return t.last.millis();
      case By::kFirst:
        return t.first.millis();
      case By::kDuration:
        return t.duration().count();
      case By::kCount:
        return static_cast<std::int64_t>(t.events);
      case By::kStatus:  // the worst is the highest
        return -static_cast<std::int64_t>(SeverityOf(t.worst_status));
    }
    return 0;
  };
  std::sort(
      transactions.begin(), transactions.end(), [&](const Transaction& a, const Transaction& b) {
        const std::int64_t x = place(a);
        const std::int64_t y = place(b);
        if (x != y) return request.ascending ? x < y : x > y;
        return a.id < b.id;
      });
  if (transactions.size() > request.limit) {
    transactions.erase(transactions.begin() + static_cast<std::ptrdiff_t>(request.limit),
                       transactions.end());
  }
}

}  // namespace

std::size_t SeverityOf(std::string_view status) {
  return static_cast<std::size_t>(std::find(kSeverity.begin(), kSeverity.end(), status) -
                                  kSeverity.begin());
}

TransactionsOutcome TransactionsService::Find(const TransactionsRequest& request) {
  if (request.by.empty()) return BadRequest("transactions need an attribute to group by");
  if (request.limit == 0 || request.limit > kTransactionsMax) {
    return BadRequest(
        fmt::format("limit {} is not within 1 and {}", request.limit, kTransactionsMax));
  }
  const Result<TimeRange> range = ParseRange(request.from, request.to, clock_.Now());
  if (!range) return BadRequest(range.error().message);
  auto where = ParseAndResolve(request.query, *range, request.stop, runner_);
  if (auto* error = std::get_if<SearchError>(&where)) return std::move(*error);
  const std::chrono::nanoseconds begun = clock_.Monotonic();
  Result<TransactionsAnswer> answer = Ask(request, *range, std::get<store::Predicate>(where));
  if (!answer) return FromStore(answer.error());
  answer->elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.Monotonic() - begun);
  Sort(request, answer->transactions);
  return std::move(*answer);
}

Result<TransactionsAnswer> TransactionsService::Ask(const TransactionsRequest& request,
                                                    const TimeRange& range,
                                                    const store::Predicate& where) {
  TransactionsAnswer answer;
  const store::Field by = FacetNamed(request.by);
  store::Plan plan;
  plan.where = where;
  plan.stop = request.stop;
  SetRange(range, plan);
  plan.groups = {MatchingRequest(by)};
  CollectGroups matching;
  ASSIGN_OR_RETURN(const store::RunReport found, runner_.Run(std::move(plan), matching));
  AddDamage(found.damage, answer.warnings);

  std::unordered_map<std::string, std::size_t> place_of;
  std::vector<std::string> ids;
  for (const store::Group& group : matching.by_request[0]) {
    if (answer.transactions.size() == kTransactionsLookedAtMax) {
      answer.warnings.push_back({"too_many",
                                 "Not all transactions were looked at",
                                 fmt::format("only the {} with the newest matching events; narrow "
                                             "the query or the time range",
                                             kTransactionsLookedAtMax)});
      break;
    }
    Transaction& transaction = answer.transactions.emplace_back();
    transaction.id = *group.key[0];
    transaction.matching = CountOf(group.values[0]);
    place_of.emplace(transaction.id, answer.transactions.size() - 1);
    ids.push_back(transaction.id);
  }
  if (ids.empty()) return answer;

  store::Plan whole;
  whole.where = OneOf(by, std::move(ids));
  whole.stop = request.stop;
  whole.groups = {WholeRequest(by), CountsRequest(by, {store::Field::Kind::kReserved, "status"})};
  if (!request.count_by.empty()) {
    whole.groups.push_back(CountsRequest(by, FacetNamed(request.count_by)));
  }
  CollectGroups all;
  ASSIGN_OR_RETURN(const store::RunReport report, runner_.Run(std::move(whole), all));
  AddDamage(report.damage, answer.warnings);
  const auto for_each = [&](std::size_t i, auto&& use) {
    for (const store::Group& group : all.by_request[i]) {
      const auto known = place_of.find(*group.key[0]);
      if (known != place_of.end()) use(answer.transactions[known->second], group);
    }
  };
  for_each(0, [](Transaction& transaction, const store::Group& group) {
    transaction.events = CountOf(group.values[0]);
    transaction.first = TimeOf(group.values[1]);
    transaction.last = TimeOf(group.values[2]);
  });
  for_each(1, [](Transaction& transaction, const store::Group& group) {
    const std::string& status = *group.key[1];
    transaction.statuses.emplace(status, CountOf(group.values[0]));
    if (transaction.worst_status.empty() ||
        SeverityOf(status) < SeverityOf(transaction.worst_status)) {
      transaction.worst_status = status;
    }
  });
  for_each(2, [](Transaction& transaction, const store::Group& group) {
    transaction.counts.emplace(*group.key[1], CountOf(group.values[0]));
  });
  // Between the two looks all events of one may have been deleted.
  std::erase_if(answer.transactions, [](const Transaction& t) { return t.events == 0; });
  return answer;
}

}  // namespace postglass::query
