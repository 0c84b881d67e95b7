#include "api/search_api.h"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "api/aggregate_json.h"
#include "api/json_body.h"
#include "api/query_errors.h"
#include "api/watched.h"
#include "base/encoding.h"
#include "base/json.h"
#include "query/output.h"
#include "query/parser.h"
#include "query/tail.h"

namespace postglass::api {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kSearchPath = "/api/v2/logs/events/search";
constexpr std::string_view kEventsPath = "/api/v2/logs/events";
constexpr std::string_view kOwnSearchPath = "/api/v2/postglass/search";
constexpr std::string_view kTailPath = "/api/v2/postglass/tail";

constexpr int kPollFailuresMax = 20;  // in a row, then a tail ends

Status SetSort(std::string_view sort, query::SearchRequest& search) {
  if (sort == "timestamp") {
    search.order = store::Order::kOldestFirst;
  } else if (sort == "-timestamp") {
    search.order = store::Order::kNewestFirst;
  } else {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("sort must be timestamp or -timestamp, not \"{}\"", sort));
  }
  return {};
}

// "@duration", "-@duration", besides what SetSort() takes.
Status SetOwnSort(std::string_view sort, query::SearchRequest& search) {
  const bool descending = sort.starts_with('-');
  const std::string_view name = sort.substr(descending ? 1 : 0);
  if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "sort needs the name of a field");
  search.order = descending ? store::Order::kNewestFirst : store::Order::kOldestFirst;
  if (name != "timestamp") search.sort_by = name;
  return {};
}

Status ReadPage(const json::object& page, query::SearchRequest& search) {
  RETURN_IF_ERROR(ReadText(page, "cursor", search.cursor));
  auto limit = static_cast<std::int64_t>(search.limit);
  const Status read =
      ReadInteger(page, "limit", 1, static_cast<std::int64_t>(query::kSearchLimitMax), limit);
  if (!read) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("page.limit must be within 1 and {}", query::kSearchLimitMax));
  }
  search.limit = static_cast<std::size_t>(limit);
  return {};
}

enum class SearchKind { kDatadog, kOwn };

Result<query::SearchRequest> ReadBody(const net::HttpRequest& request, SearchKind kind) {
  ASSIGN_OR_RETURN(const json::object root, ReadJsonBody(request));
  query::SearchRequest search;
  ASSIGN_OR_RETURN(const json::object* page, ReadObject(root, "page"));
  std::string sort;
  RETURN_IF_ERROR(ReadText(root, "sort", sort));
  RETURN_IF_ERROR(ReadFilter(root, search.query, search.from, search.to));
  if (page != nullptr) RETURN_IF_ERROR(ReadPage(*page, search));
  if (kind == SearchKind::kOwn) RETURN_IF_ERROR(ReadBool(root, "explain", search.explain));
  if (sort.empty()) return search;
  RETURN_IF_ERROR(kind == SearchKind::kOwn ? SetOwnSort(sort, search) : SetSort(sort, search));
  return search;
}

Result<query::SearchRequest> ReadParams(const Params& params) {
  query::SearchRequest search;
  const auto take = [&params](std::string_view name, std::string& out) {
    if (const auto value = net::FindParam(params, name)) out = *value;
  };
  take("filter[query]", search.query);
  take("filter[from]", search.from);
  take("filter[to]", search.to);
  take("page[cursor]", search.cursor);
  if (const auto tier = net::FindParam(params, "filter[storage_tier]")) {
    RETURN_IF_ERROR(CheckStorageTier(*tier));
  }
  if (const auto sort = net::FindParam(params, "sort")) {
    RETURN_IF_ERROR(SetSort(*sort, search));
  }
  if (const auto limit = net::FindParam(params, "page[limit]")) {
    const auto [end, error] =
        std::from_chars(limit->data(), limit->data() + limit->size(), search.limit);
    if (error != std::errc() || end != limit->data() + limit->size() || search.limit < 1 ||
        search.limit > query::kSearchLimitMax) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("page[limit] must be within 1 and {}", query::kSearchLimitMax));
    }
  }
  return search;
}

std::string NextLink(std::string_view base_url,
                     const query::SearchRequest& search,
                     std::string_view cursor) {
  const auto param = [](std::string_view name, std::string_view value) {
    return PercentEncode(name) + "=" + PercentEncode(value);
  };
  return fmt::format(
      "{}{}?{}&{}&{}&{}&{}&{}",
      base_url,
      kEventsPath,
      param("sort", search.order == store::Order::kNewestFirst ? "-timestamp" : "timestamp"),
      param("filter[query]", search.query),
      param("filter[from]", search.from),
      param("filter[to]", search.to),
      param("page[limit]", std::to_string(search.limit)),
      param("page[cursor]", cursor));
}

std::string RowsJson(const std::vector<store::Event>& events) {
  std::string out = R"({"data":[)";
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (i > 0) out += ',';
    query::AppendDatadogEvent(out, events[i]);
  }
  return out + ']';
}

void AppendExplain(std::string& out,
                   const query::SearchSteps& steps,
                   std::chrono::microseconds encode) {
  out += fmt::format(
      R"(,"explain":{{"parse_us":{},"wait_us":{},"store_us":{},"encode_us":{},"events_scanned":{},"store":)",
      steps.parse.count(),
      steps.wait.count(),
      steps.store.count(),
      encode.count(),
      steps.events_scanned);
  json::AppendQuoted(out, steps.explain);
  out += '}';
}

// What stands behind the rows.
std::string PageTail(const query::SearchPage& page,
                     std::string_view next_link,
                     std::string_view request_id,
                     std::optional<std::chrono::microseconds> explained_encode) {
  std::string out;
  if (!page.next_cursor.empty() && !next_link.empty()) {
    out += R"(,"links":{"next":)";
    json::AppendQuoted(out, next_link);
    out += '}';
  }
  out += fmt::format(R"(,"meta":{{"elapsed":{},"request_id":"{}","status":"{}")",
                     page.elapsed.count(),
                     request_id,
                     page.timed_out ? "timeout" : "done");
  if (!page.next_cursor.empty())
    out += fmt::format(R"(,"page":{{"after":"{}"}})", page.next_cursor);
  AppendWarnings(out, page.warnings);
  if (explained_encode) AppendExplain(out, page.steps, *explained_encode);
  return out + "}}";
}

// Counts a tail for as long as it lives.
class TailSlot {
 public:
  explicit TailSlot(std::atomic<std::size_t>& count) : count_(count) {}

  ~TailSlot() { --count_; }

  TailSlot(const TailSlot&) = delete;
  TailSlot& operator=(const TailSlot&) = delete;

 private:
  std::atomic<std::size_t>& count_;
};

struct TailPace {
  std::chrono::milliseconds poll;
  std::chrono::milliseconds heartbeat;
  std::function<void(std::chrono::milliseconds)> wait;
};

std::string BatchText(const query::Tail::Batch& batch) {
  std::string text;
  if (batch.sampled()) {
    text += fmt::format("event: sampled\ndata: {{\"given\":{},\"of\":{},\"or_more\":{}}}\n\n",
                        batch.events.size(),
                        batch.found,
                        batch.found_more);
  }
  for (std::size_t i = 0; i < batch.events.size(); ++i) {
    text += fmt::format("id: {}\ndata: {}\n\n",
                        batch.positions[i].ToString(),
                        query::EventJsonLine(batch.events[i]));
  }
  return text;
}

// Writes server-sent events until the client goes.
void RunTail(query::Tail& tail, const TailPace& pace, net::BodyWriter& out) {
  // An id without data moves the client's last event id, so that even a connection that breaks
  // before the first event continues from here.
  if (!out.Write(fmt::format("retry: 2000\nid: {}\n\n", tail.position().ToString()))) return;
  std::chrono::milliseconds silent{0};
  for (int failures = 0; failures < kPollFailuresMax;) {
    const Result<query::Tail::Batch> batch = tail.Poll();
    std::string text;
    if (batch) {
      failures = 0;
      text = BatchText(*batch);
    } else {
      ++failures;
      text = "event: problem\ndata: {\"message\":";
      json::AppendQuoted(text, batch.error().message);
      text += "}\n\n";
    }
    if (text.empty() && silent >= pace.heartbeat) text = ": still here\n\n";
    if (!text.empty()) {
      if (!out.Write(text)) return;
      silent = std::chrono::milliseconds{0};
    }
    if (out.Gone()) return;
    if (batch && batch->behind) continue;
    pace.wait(pace.poll);
    silent += pace.poll;
  }
}

}  // namespace

SearchApi::SearchApi(query::QueryRunner& runner,
                     query::SearchService& search,
                     const ReadGuard& guard,
                     const Clock& clock,
                     Random& random,
                     Options options)
    : runner_(runner),
      search_(search),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      door_(guard, clock, options_.rate) {}

bool SearchApi::Handles(std::string_view path) {
  return path == kSearchPath || path == kEventsPath || path == kOwnSearchPath || path == kTailPath;
}

net::HttpResponse SearchApi::Handle(const net::HttpRequest& request) {
  const bool posts = request.path() == kSearchPath || request.path() == kOwnSearchPath;
  return door_.Enter(request, posts ? "POST" : "GET", [&] { return Route(request); });
}

net::HttpResponse SearchApi::Route(const net::HttpRequest& request) {
  const std::string_view path = request.path();
  if (path == kSearchPath) return PostSearch(request);
  if (path == kOwnSearchPath) return PostOwnSearch(request);
  if (path == kEventsPath) return GetSearch(request);
  return GetTail(request);
}

net::HttpResponse SearchApi::PostSearch(const net::HttpRequest& request) {
  Result<query::SearchRequest> search = ReadBody(request, SearchKind::kDatadog);
  if (!search) return ErrorResponse(400, search.error().message);
  return RunSearch(request, std::move(*search));
}

net::HttpResponse SearchApi::PostOwnSearch(const net::HttpRequest& request) {
  Result<query::SearchRequest> search = ReadBody(request, SearchKind::kOwn);
  if (!search) return ErrorResponse(400, search.error().message);
  return RunSearch(request, std::move(*search));
}

net::HttpResponse SearchApi::GetSearch(const net::HttpRequest& request) {
  const Result<Params> params = net::ParseForm(request.query());
  if (!params) return ErrorResponse(400, params.error().message);
  Result<query::SearchRequest> search = ReadParams(*params);
  if (!search) return ErrorResponse(400, search.error().message);
  return RunSearch(request, std::move(*search));
}

net::HttpResponse SearchApi::RunSearch(const net::HttpRequest& request,
                                       query::SearchRequest search) {
  query::SearchOutcome outcome;
  RunUntilGone(request.abandoned, [&](std::stop_token stop) {
    search.stop = std::move(stop);
    outcome = search_.Search(search);
  });
  if (const auto* error = std::get_if<query::SearchError>(&outcome)) {
    return SearchErrorResponse(search.query, *error);
  }
  const auto& page = std::get<query::SearchPage>(outcome);
  const std::chrono::nanoseconds begun = clock_.Monotonic();
  std::string body = RowsJson(page.events);
  std::string next;
  // A link of the original's call; a sort by attribute cannot be asked for there.
  if (request.path() != kOwnSearchPath) {
    std::string base_url = options_.base_url;
    const std::string_view host = request.headers.Get("Host");
    if (base_url.empty() && !host.empty()) {
      base_url = fmt::format("{}://{}", request.over_tls ? "https" : "http", host);
    }
    next = NextLink(base_url, search, page.next_cursor);
  }
  std::optional<std::chrono::microseconds> encode;
  if (search.explain) {
    encode = std::chrono::duration_cast<std::chrono::microseconds>(clock_.Monotonic() - begun);
  }
  body += PageTail(page, next, NewRequestId(random_), encode);
  return net::JsonResponse(200, std::move(body));
}

net::HttpResponse SearchApi::GetTail(const net::HttpRequest& request) {
  const Result<Params> params = net::ParseForm(request.query());
  if (!params) return ErrorResponse(400, params.error().message);
  const std::string query(net::FindParam(*params, "query").value_or("*"));
  auto parsed = query::Parse(query);
  if (const auto* error = std::get_if<query::SyntaxError>(&parsed)) {
    return BadQueryResponse(query, error->position, error->message);
  }
  std::string_view last = request.headers.Get("Last-Event-ID");
  if (last.empty()) last = net::FindParam(*params, "last_event_id").value_or("");
  std::optional<query::TailPosition> position;
  if (!last.empty()) {
    position = query::TailPosition::Parse(last);
    if (!position) return ErrorResponse(400, "the last event id is not one that this server gave");
  }
  if (++tails_ > options_.tails_max) {
    --tails_;
    return BusyResponse(fmt::format("{} tails are open already", options_.tails_max));
  }
  auto slot = std::make_shared<TailSlot>(tails_);
  // Made here and not when the stream begins: nothing that arrives in between is missed.
  auto tail = std::make_shared<query::Tail>(
      runner_, clock_, std::move(std::get<store::Predicate>(parsed)), position);
  TailPace pace{options_.tail_poll, options_.tail_heartbeat, options_.wait};
  if (!pace.wait) {
    pace.wait = [](std::chrono::milliseconds duration) { std::this_thread::sleep_for(duration); };
  }
  net::HttpResponse response;
  response.headers.Add("Content-Type", "text/event-stream");
  response.headers.Add("Cache-Control", "no-cache");
  response.headers.Add("X-Accel-Buffering", "no");
  response.stream = [slot, tail, pace](net::BodyWriter& out) { RunTail(*tail, pace, out); };
  return response;
}

}  // namespace postglass::api
