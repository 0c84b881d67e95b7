#include "api/transactions_json.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "api/aggregate_json.h"
#include "api/json_body.h"
#include "base/time_format.h"

namespace postglass::api {

namespace {

void AppendCounts(std::string& out, const std::map<std::string, std::uint64_t>& counts) {
  out += '{';
  for (const auto& [name, count] : counts) {
    if (out.back() != '{') out += ',';
    json::AppendQuoted(out, name);
    out += fmt::format(":{}", count);
  }
  out += '}';
}

Status SetSort(std::string_view text, query::TransactionsRequest& request) {
  using Sort = query::TransactionsRequest::Sort;
  constexpr std::array<std::pair<std::string_view, Sort>, 5> kSorts = {
      {{"last", Sort::kLast},
       {"first", Sort::kFirst},
       {"duration", Sort::kDuration},
       {"count", Sort::kCount},
       {"status", Sort::kStatus}}};
  request.ascending = !text.starts_with('-');
  const std::string_view name = request.ascending ? text : text.substr(1);
  for (const auto& [known, sort] : kSorts) {
    if (name != known) continue;
    request.sort = sort;
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("sort must be last, first, duration, count or status, or one of them "
                          "with \"-\" in front, not \"{}\"",
                          text));
}

}  // namespace

Result<query::TransactionsRequest> ReadTransactionsBody(const json::object& body) {
  query::TransactionsRequest request;
  RETURN_IF_ERROR(ReadFilter(body, request.query, request.from, request.to));
  RETURN_IF_ERROR(ReadText(body, "by", request.by));
  RETURN_IF_ERROR(ReadText(body, "count_by", request.count_by));
  auto limit = static_cast<std::int64_t>(request.limit);
  RETURN_IF_ERROR(
      ReadInteger(body, "limit", 1, static_cast<std::int64_t>(query::kTransactionsMax), limit));
  request.limit = static_cast<std::size_t>(limit);
  std::string sort = "-last";
  RETURN_IF_ERROR(ReadText(body, "sort", sort));
  RETURN_IF_ERROR(SetSort(sort, request));
  return request;
}

std::string TransactionsJson(const query::TransactionsAnswer& answer, std::string_view request_id) {
  std::string out = R"({"data":[)";
  for (const query::Transaction& transaction : answer.transactions) {
    out += out.back() == '[' ? R"({"id":)" : R"(,{"id":)";
    json::AppendQuoted(out, transaction.id);
    out += fmt::format(
        R"(,"first":"{}","last":"{}","duration_ms":{},"events":{},"matching":{},"status":)",
        FormatIso8601Millis(transaction.first),
        FormatIso8601Millis(transaction.last),
        transaction.duration().count(),
        transaction.events,
        transaction.matching);
    json::AppendQuoted(out, transaction.worst_status);
    out += R"(,"statuses":)";
    AppendCounts(out, transaction.statuses);
    out += R"(,"counts":)";
    AppendCounts(out, transaction.counts);
    out += '}';
  }
  out += fmt::format(R"(],"meta":{{"elapsed":{},"request_id":"{}","status":"done")",
                     answer.elapsed.count(),
                     request_id);
  AppendWarnings(out, answer.warnings);
  return out + "}}";
}

}  // namespace postglass::api
