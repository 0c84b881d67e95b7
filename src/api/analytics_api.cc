#include "api/analytics_api.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <variant>

#include "api/aggregate_json.h"
#include "api/explore_json.h"
#include "api/json_body.h"
#include "api/query_errors.h"
#include "api/transactions_json.h"
#include "api/watched.h"
#include "base/encoding.h"

namespace postglass::api {

namespace {

constexpr std::string_view kAggregatePath = "/api/v2/logs/analytics/aggregate";
constexpr std::string_view kExplorePath = "/api/v2/postglass/explore";
constexpr std::string_view kTransactionsPath = "/api/v2/postglass/transactions";

// The text of an object without its braces.
std::string_view Members(std::string_view object) { return object.substr(1, object.size() - 2); }

// Gathers the parts to one answer.
class ExploreParts final : public query::ExploreSink {
 public:
  explicit ExploreParts(const query::ExploreRequest& request) : request_(request) {}

  void Rows(std::vector<store::Event> events, std::string next_cursor) override {
    rows_ = RowsJson(events, next_cursor);
  }

  void Count(std::uint64_t events) override { count_ = events; }

  void Counts(const Histogram& histogram) override { histogram_ = HistogramJson(histogram); }

  void Facet(std::size_t i, const std::vector<store::ValueCount>& values) override {
    facets_ += (facets_.empty() ? "" : ",") + FacetJson(request_.facets[i].name, values);
  }

  std::string Whole(std::string_view meta) const {
    return fmt::format(R"({{"data":{{"count":{},{}{}{},"facets":[{}]}},{}}})",
                       count_,
                       Members(histogram_),
                       rows_.empty() ? "" : ",",
                       rows_.empty() ? "" : Members(rows_),
                       facets_,
                       Members(meta));
  }

 private:
  const query::ExploreRequest& request_;
  std::uint64_t count_ = 0;
  std::string rows_;
  std::string histogram_;
  std::string facets_;
};

// Makes a line of each part.
class ExploreLines final : public query::ExploreSink {
 public:
  ExploreLines(const query::ExploreRequest& request, LineQueue& lines)
      : request_(request), lines_(lines) {}

  void Rows(std::vector<store::Event> events, std::string next_cursor) override {
    lines_.Push(RowsJson(events, next_cursor) + '\n');
  }

  void Covers(const query::TimeRange& range) override { lines_.Push(CoverageJson(range) + '\n'); }

  void Count(std::uint64_t events) override {
    lines_.Push(fmt::format("{{\"count\":{}}}\n", events));
  }

  void Counts(const Histogram& histogram) override { lines_.Push(HistogramJson(histogram) + '\n'); }

  void Facet(std::size_t i, const std::vector<store::ValueCount>& values) override {
    lines_.Push(FacetJson(request_.facets[i].name, values) + '\n');
  }

 private:
  const query::ExploreRequest& request_;
  LineQueue& lines_;
};

void StreamExplore(query::ExploreService& explorer,
                   const ExploreBody& body,
                   query::ExploreService::Question& question,
                   std::string_view request_id,
                   net::BodyWriter& out) {
  RunWatched(
      [&](std::stop_token stop, LineQueue& lines) {
        question.request.stop = std::move(stop);
        ExploreLines sink(body.request, lines);
        const Result<query::ExploreReport> report =
            explorer.Run(question, query::ExploreService::Pace::kRowsFirst, sink);
        if (report) {
          lines.Push(ExploreMetaJson(body, *report, request_id) + '\n');
          return;
        }
        // The lines before are right; what is missing is not known.
        std::string line = R"({"errors":[)";
        json::AppendQuoted(line, report.error().message);
        lines.Push(line +
                   fmt::format(R"(],"meta":{{"request_id":"{}","status":"{}"}}}})",
                               request_id,
                               report.error().code == ErrorCode::kTimeout ? "timeout" : "failed") +
                   '\n');
      },
      [&](std::string_view line) { return out.Write(line); },
      [&] { return out.Gone(); });
}

}  // namespace

bool AnalyticsApi::Handles(std::string_view path) {
  return path == kAggregatePath || path == kExplorePath || path == kTransactionsPath;
}

net::HttpResponse AnalyticsApi::Handle(const net::HttpRequest& request) {
  return door_.Enter(request, "POST", [&] { return Route(request); });
}

net::HttpResponse AnalyticsApi::Route(const net::HttpRequest& request) {
  const Result<json::object> body = ReadJsonBody(request);
  if (!body) return ErrorResponse(400, body.error().message);
  if (request.path() == kExplorePath) return Explore(request, *body);
  if (request.path() == kTransactionsPath) return Transactions(request, *body);
  return Aggregate(request, *body);
}

net::HttpResponse AnalyticsApi::Aggregate(const net::HttpRequest& request, const json::object& o) {
  Result<AggregateBody> body = ReadAggregateBody(o);
  if (!body) return ErrorResponse(400, body.error().message);
  query::AggregateOutcome outcome;
  RunUntilGone(request.abandoned, [&](std::stop_token stop) {
    body->request.stop = std::move(stop);
    outcome = services_.aggregates.Aggregate(body->request);
  });
  if (const auto* error = std::get_if<query::SearchError>(&outcome)) {
    return SearchErrorResponse(body->request.query, *error);
  }
  return net::JsonResponse(
      200, AggregateJson(*body, std::get<query::AggregateAnswer>(outcome), NewRequestId(random_)));
}

net::HttpResponse AnalyticsApi::Transactions(const net::HttpRequest& request,
                                             const json::object& body) {
  Result<query::TransactionsRequest> asked = ReadTransactionsBody(body);
  if (!asked) return ErrorResponse(400, asked.error().message);
  query::TransactionsOutcome outcome;
  RunUntilGone(request.abandoned, [&](std::stop_token stop) {
    asked->stop = std::move(stop);
    outcome = services_.transactions.Find(*asked);
  });
  if (const auto* error = std::get_if<query::SearchError>(&outcome)) {
    return SearchErrorResponse(asked->query, *error);
  }
  return net::JsonResponse(
      200, TransactionsJson(std::get<query::TransactionsAnswer>(outcome), NewRequestId(random_)));
}

net::HttpResponse AnalyticsApi::Explore(const net::HttpRequest& request, const json::object& o) {
  Result<ExploreBody> read = ReadExploreBody(o);
  if (!read) return ErrorResponse(400, read.error().message);
  const auto body = std::make_shared<ExploreBody>(std::move(*read));
  std::variant<query::ExploreService::Question, query::SearchError> understood;
  RunUntilGone(request.abandoned, [&](std::stop_token stop) {
    query::ExploreRequest asked = body->request;
    asked.stop = std::move(stop);
    understood = services_.explorer.Understand(std::move(asked));
  });
  if (const auto* error = std::get_if<query::SearchError>(&understood)) {
    return SearchErrorResponse(body->request.query, *error);
  }
  const auto question = std::make_shared<query::ExploreService::Question>(
      std::move(std::get<query::ExploreService::Question>(understood)));
  const std::string request_id = NewRequestId(random_);
  if (body->stream) {
    net::HttpResponse response;
    response.headers.Add("Content-Type", "application/x-ndjson");
    response.headers.Add("Cache-Control", "no-cache");
    response.headers.Add("X-Accel-Buffering", "no");
    response.stream = [this, body, question, request_id](net::BodyWriter& out) {
      StreamExplore(services_.explorer, *body, *question, request_id, out);
    };
    return response;
  }
  ExploreParts parts(body->request);
  Result<query::ExploreReport> report;
  RunUntilGone(request.abandoned, [&](std::stop_token stop) {
    question->request.stop = std::move(stop);
    report = services_.explorer.Run(*question, query::ExploreService::Pace::kAtOnce, parts);
  });
  if (!report) return StoreErrorResponse(report.error());
  return net::JsonResponse(200, parts.Whole(ExploreMetaJson(*body, *report, request_id)));
}

}  // namespace postglass::api
