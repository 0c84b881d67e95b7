#include "query/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <variant>

#include "base/time_format.h"
#include "main/commands/ask.h"
#include "main/local_store.h"
#include "query/output.h"

namespace postglass {
namespace {

// The next page of events as JSON objects of Datadog's search API, from wherever they are.
class Pages {
 public:
  virtual ~Pages() = default;

  struct Page {
    std::vector<std::string> lines;
    std::string next;
    std::vector<std::string> warnings;
    std::optional<query::SearchSteps> steps;
  };

  virtual Result<Page> Get(const std::string& cursor, std::size_t limit) = 0;
};

store::Event FromDatadog(const json::object& row) {
  store::Event event;
  if (const auto id = store::EventId::Parse(json::GetStringOr(row, "id", ""))) {
    event.id = *id;
    event.ingested_at_ms = id->ingested_at_ms();
  }
  const json::object* a = json::GetObject(row, "attributes");
  if (a == nullptr) return event;
  event.timestamp_ms =
      ParseIso8601(json::GetStringOr(*a, "timestamp", "")).value_or(Timestamp()).millis();
  event.message = json::GetStringOr(*a, "message", "");
  event.status = json::GetStringOr(*a, "status", "");
  event.service = json::GetStringOr(*a, "service", "");
  event.host = json::GetStringOr(*a, "host", "");
  if (const json::array* tags = json::GetArray(*a, "tags")) {
    for (const json::value& tag : *tags) {
      if (!tag.is_string()) continue;
      const std::string_view text(tag.get_string());
      if (text.starts_with("source:")) event.source = text.substr(7);
      event.tags.emplace_back(text);
    }
  }
  if (const json::object* inner = json::GetObject(*a, "attributes")) {
    event.attributes = json::Serialize(*inner);
  }
  return event;
}

std::string Line(const store::Event& event, const SearchFlags& flags, bool color) {
  if (flags.json) return query::EventJsonLine(event);
  return query::EventTerminalLine(event, color ? query::Colour::kAlways : query::Colour::kNever);
}

class RemotePages final : public Pages {
 public:
  RemotePages(ServerClient& server, const SearchFlags& flags, bool color)
      : server_(server), flags_(flags), color_(color) {}

  Result<Page> Get(const std::string& cursor, std::size_t limit) override {
    json::object page{{"limit", limit}};
    if (!cursor.empty()) page["cursor"] = cursor;
    const json::object body{
        {"filter", json::object{{"query", flags_.query}, {"from", flags_.from}, {"to", flags_.to}}},
        {"sort", flags_.sort},
        {"explain", flags_.explain},
        {"page", std::move(page)}};
    ASSIGN_OR_RETURN(const json::value answer,
                     server_.CallJson("POST", "/api/v2/postglass/search", json::Serialize(body)));
    Page result;
    const json::object* whole = answer.if_object();
    if (whole == nullptr) return Fail(ErrorCode::kInternal, "the server's answer is no object");
    if (const json::array* rows = json::GetArray(*whole, "data")) {
      for (const json::value& row : *rows) {
        if (const json::object* object = row.if_object()) {
          result.lines.push_back(Line(FromDatadog(*object), flags_, color_));
        }
      }
    }
    if (const json::value* next = json::FindPath(*whole, "meta.page.after")) {
      if (next->is_string()) result.next = std::string(next->get_string());
    }
    if (const json::value* list = json::FindPath(*whole, "meta.warnings")) {
      if (list->is_array()) {
        for (const json::value& warning : list->get_array()) {
          if (const json::object* w = warning.if_object()) {
            result.warnings.push_back(json::GetStringOr(*w, "detail", ""));
          }
        }
      }
    }
    if (const json::value* explain = json::FindPath(*whole, "meta.explain")) {
      if (explain->is_object()) result.steps = StepsOf(explain->get_object());
    }
    return result;
  }

 private:
  static query::SearchSteps StepsOf(const json::object& explain) {
    const auto micros = [&](std::string_view name) {
      return std::chrono::microseconds(json::GetInt(explain, name).value_or(0));
    };
    query::SearchSteps steps{micros("parse_us"), micros("wait_us"), micros("store_us"), 0, ""};
    const std::int64_t scanned = json::GetInt(explain, "events_scanned").value_or(0);
    steps.events_scanned = static_cast<std::uint64_t>(std::max<std::int64_t>(scanned, 0));
    steps.explain = json::GetStringOr(explain, "store", "");
    return steps;
  }

  ServerClient& server_;
  const SearchFlags& flags_;
  const bool color_;
};

class LocalPages final : public Pages {
 public:
  LocalPages(query::SearchService& search, const SearchFlags& flags, bool color)
      : search_(search), flags_(flags), color_(color) {}

  Result<Page> Get(const std::string& cursor, std::size_t limit) override {
    query::SearchRequest request;
    request.query = flags_.query;
    request.from = flags_.from;
    request.to = flags_.to;
    request.limit = limit;
    request.cursor = cursor;
    request.explain = flags_.explain;
    const bool descending = flags_.sort.starts_with('-');
    request.order = descending ? store::Order::kNewestFirst : store::Order::kOldestFirst;
    const std::string by = flags_.sort.substr(descending ? 1 : 0);
    if (by.empty()) return Fail(ErrorCode::kInvalidArgument, "--sort needs the name of a field");
    if (by != "timestamp") request.sort_by = by;
    auto outcome = search_.Search(request);
    if (const auto* error = std::get_if<query::SearchError>(&outcome)) {
      const bool callers = error->kind == query::SearchError::Kind::kBadQuery ||
                           error->kind == query::SearchError::Kind::kBadRequest;
      std::string text = error->message;
      if (error->position) text += fmt::format(" (at character {})", *error->position + 1);
      return Fail(callers ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable, text);
    }
    auto& page = std::get<query::SearchPage>(outcome);
    Page result;
    for (const store::Event& event : page.events) {
      result.lines.push_back(Line(event, flags_, color_));
    }
    result.next = page.next_cursor;
    if (flags_.explain) result.steps = page.steps;
    for (const query::SearchWarning& warning : page.warnings) {
      result.warnings.push_back(warning.detail);
    }
    return result;
  }

 private:
  query::SearchService& search_;
  const SearchFlags& flags_;
  const bool color_;
};

void PrintSteps(const query::SearchSteps& steps) {
  std::string text =
      fmt::format("parsed in {} us, waited {} us, asked the store for {} us, {} events looked at\n",
                  steps.parse.count(),
                  steps.wait.count(),
                  steps.store.count(),
                  steps.events_scanned);
  std::string_view rest = steps.explain;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text += fmt::format("  {}\n", query::ForTerminal(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  std::fputs(text.c_str(), stderr);
}

int PrintPages(Pages& pages, const SearchFlags& flags) {
  std::size_t printed = 0;
  std::string cursor;
  while (printed < flags.limit) {
    const auto page = pages.Get(cursor, std::min(flags.limit - printed, query::kSearchLimitMax));
    if (!page) return FailWith(page.error());
    for (const std::string& line : page->lines) Print(line + "\n");
    for (const std::string& warning : page->warnings) {
      std::fprintf(stderr, "postglass: %s\n", warning.c_str());
    }
    if (page->steps) PrintSteps(*page->steps);
    printed += page->lines.size();
    cursor = page->next;
    if (page->lines.empty() || cursor.empty()) break;
  }
  std::fprintf(
      stderr, "%zu events; looked from %s to %s\n", printed, flags.from.c_str(), flags.to.c_str());
  return printed > 0 ? kExitOk : kExitNothingFound;
}

}  // namespace

int RunSearch(const CommandContext& context, const SearchFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const auto server = ServerClient::Connect(context.fs, data, flags.server);
  if (server) {
    RemotePages pages(**server, flags, context.color);
    return PrintPages(pages, flags);
  }
  if (server.error().code != ErrorCode::kUnavailable) return FailWith(server.error());
  const auto local = LocalStore::Open(context, data);
  if (!local) return FailWith(local.error());
  query::QueryRunner runner((*local)->store(), context.clock, (*local)->metrics(), {});
  query::SearchService search(runner, context.clock);
  LocalPages pages(search, flags, context.color);
  return PrintPages(pages, flags);
}

}  // namespace postglass
