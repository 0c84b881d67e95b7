#include "query/counts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/time_format.h"
#include "main/commands/ask.h"
#include "main/local_store.h"
#include "query/facets.h"
#include "query/output.h"
#include "query/parser.h"

namespace postglass {
namespace {

constexpr std::size_t kBarWidth = 50;

// Answers from a server or from the directory; both give the same JSON.
class Source {
 public:
  static Result<Source> Open(const CommandContext& context, const CountFlags& flags) {
    const Path data = context.DataPath(flags.data);
    Source source;
    auto server = ServerClient::Connect(context.fs, data, flags.server);
    if (server) {
      source.server_ = std::move(*server);
      return source;
    }
    if (server.error().code != ErrorCode::kUnavailable) return Fail(server.error());
    ASSIGN_OR_RETURN(source.local_, LocalStore::Open(context, data));
    source.runner_ = std::make_unique<query::QueryRunner>(source.local_->store(),
                                                          context.clock,
                                                          source.local_->metrics(),
                                                          query::QueryRunner::Options());
    source.counts_ = std::make_unique<query::CountService>(*source.runner_, context.clock);
    return source;
  }

  Result<json::object> Facets(Random& random) {
    if (server_) return Get("/api/v2/postglass/facets");
    ASSIGN_OR_RETURN(const std::unique_ptr<query::Catalog> facets,
                     query::Catalog::Load(local_->settings(), random, query::FacetKind()));
    return json::object{{"facets", facets->List()}};
  }

  Result<json::object> Top(const CountFlags& flags, const std::vector<std::string>& fields) {
    if (server_) {
      std::string target =
          fmt::format("/api/v2/postglass/top?{}&limit={}", Scope(flags), flags.limit);
      for (const std::string& field : fields) target += "&field=" + PercentEncode(field);
      return Get(target);
    }
    ASSIGN_OR_RETURN(const query::CountScope scope, LocalScope(flags));
    ASSIGN_OR_RETURN(const query::TopAnswer answer, counts_->Top(scope, fields, flags.limit));
    return json::ParseObject(query::TopJson(answer));
  }

  Result<json::object> Histogram(const CountFlags& flags) {
    if (server_) {
      return Get(fmt::format("/api/v2/postglass/histogram?{}&interval={}&split={}",
                             Scope(flags),
                             PercentEncode(flags.interval),
                             PercentEncode(flags.split)));
    }
    ASSIGN_OR_RETURN(const query::CountScope scope, LocalScope(flags));
    ASSIGN_OR_RETURN(const query::HistogramAnswer answer,
                     counts_->Histogram(scope, flags.interval, flags.split));
    return json::ParseObject(query::HistogramJson(answer));
  }

 private:
  static std::string Scope(const CountFlags& flags) {
    return fmt::format("query={}&from={}&to={}",
                       PercentEncode(flags.query.empty() ? "*" : flags.query),
                       PercentEncode(flags.from),
                       PercentEncode(flags.to));
  }

  static Result<query::CountScope> LocalScope(const CountFlags& flags) {
    auto parsed = query::Parse(flags.query.empty() ? "*" : flags.query);
    if (const auto* error = std::get_if<query::SyntaxError>(&parsed)) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} (at character {})", error->message, error->position + 1));
    }
    return query::CountScope{std::move(std::get<store::Predicate>(parsed)), flags.from, flags.to};
  }

  Result<json::object> Get(std::string_view target) {
    ASSIGN_OR_RETURN(json::value answer, server_->CallJson("GET", target));
    if (!answer.is_object()) return Fail(ErrorCode::kInternal, "the server's answer is no object");
    return std::move(answer.get_object());
  }

  std::unique_ptr<ServerClient> server_;
  std::unique_ptr<LocalStore> local_;
  std::unique_ptr<query::QueryRunner> runner_;
  std::unique_ptr<query::CountService> counts_;
};

void PrintJson(const json::object& answer) { Print(json::Serialize(answer) + "\n"); }

int PrintDamage(const json::object& answer, int code) {
  if (const json::array* damage = json::GetArray(answer, "damage")) {
    for (const json::value& text : *damage) {
      if (!text.is_string()) continue;
      std::fprintf(stderr,
                   "postglass: stored events could not be read: %s\n",
                   query::ForTerminal(text.get_string()).c_str());
    }
  }
  return code;
}

std::int64_t CountOf(const json::object& o) { return json::GetInt(o, "count").value_or(0); }

void PrintValues(const json::object& field, std::int64_t matched) {
  const json::array* values = json::GetArray(field, "values");
  if (values == nullptr) return;
  for (const json::value& element : *values) {
    const json::object* value = element.if_object();
    if (value == nullptr) continue;
    const std::int64_t count = CountOf(*value);
    Print(fmt::format(
        "{:>10} {:>5.1f} %  {}\n",
        count,
        matched > 0 ? 100.0 * static_cast<double>(count) / static_cast<double>(matched) : 0.0,
        query::ForTerminal(json::GetStringOr(*value, "value", ""))));
  }
}

std::string SplitText(const json::object& bucket) {
  std::string text;
  const json::array* split = json::GetArray(bucket, "split");
  if (split == nullptr) return text;
  for (const json::value& element : *split) {
    const json::object* value = element.if_object();
    if (value == nullptr) continue;
    text += fmt::format("{}{} {}",
                        text.empty() ? "  " : ", ",
                        query::ForTerminal(json::GetStringOr(*value, "value", "")),
                        CountOf(*value));
  }
  return text;
}

void PrintHistogram(const json::object& answer) {
  const json::array* buckets = json::GetArray(answer, "buckets");
  if (buckets == nullptr) return;
  std::int64_t most = 1;
  for (const json::value& bucket : *buckets) {
    if (bucket.is_object()) most = std::max(most, CountOf(bucket.get_object()));
  }
  const std::int64_t interval_ms =
      std::max<std::int64_t>(1, json::GetInt(answer, "interval_ms").value_or(1));
  std::optional<std::int64_t> expected;
  for (const json::value& element : *buckets) {
    const json::object* bucket = element.if_object();
    if (bucket == nullptr) continue;
    const auto start = ParseIso8601(json::GetStringOr(*bucket, "start", ""));
    if (!start) continue;
    // Silence is worth a line too, however long it was.
    if (expected && start->millis() > *expected) {
      Print(fmt::format(
          "{:>24} {:>10}\n",
          fmt::format("({} without events)", (start->millis() - *expected) / interval_ms),
          "-"));
    }
    expected = start->millis() + interval_ms;
    const std::int64_t count = CountOf(*bucket);
    const auto width =
        static_cast<std::size_t>((count * static_cast<std::int64_t>(kBarWidth) + most - 1) / most);
    Print(fmt::format("{} {:>10}  {}{}\n",
                      FormatIso8601Millis(*start),
                      count,
                      std::string(width, '#'),
                      SplitText(*bucket)));
  }
}

}  // namespace

int RunTop(const CommandContext& context, const CountFlags& flags) {
  auto source = Source::Open(context, flags);
  if (!source) return FailWith(source.error());
  const Result<json::object> answer = source->Top(flags, {flags.field});
  if (!answer) return FailWith(answer.error());
  const std::int64_t matched = json::GetInt(*answer, "matched").value_or(0);
  const json::array* fields = json::GetArray(*answer, "fields");
  const bool found = fields != nullptr && !fields->empty() && fields->front().is_object() &&
                     json::GetArray(fields->front().get_object(), "values") != nullptr &&
                     !json::GetArray(fields->front().get_object(), "values")->empty();
  if (flags.json) {
    PrintJson(*answer);
  } else if (found) {
    PrintValues(fields->front().get_object(), matched);
    std::fprintf(stderr, "%lld events match\n", static_cast<long long>(matched));
  }
  return PrintDamage(*answer, found ? kExitOk : kExitNothingFound);
}

int RunHist(const CommandContext& context, const CountFlags& flags) {
  auto source = Source::Open(context, flags);
  if (!source) return FailWith(source.error());
  const Result<json::object> answer = source->Histogram(flags);
  if (!answer) return FailWith(answer.error());
  if (flags.json) {
    PrintJson(*answer);
  } else {
    PrintHistogram(*answer);
  }
  const bool found = json::GetInt(*answer, "matched").value_or(0) > 0;
  return PrintDamage(*answer, found ? kExitOk : kExitNothingFound);
}

int RunFacets(const CommandContext& context, const CountFlags& flags) {
  auto source = Source::Open(context, flags);
  if (!source) return FailWith(source.error());
  const Result<json::object> facets = source->Facets(context.random);
  if (!facets) return FailWith(facets.error());
  std::vector<std::string> paths;
  const json::array* list = json::GetArray(*facets, "facets");
  if (list == nullptr) return FailWith({ErrorCode::kInternal, "the server gave no facets"});
  for (const json::value& element : *list) {
    const json::object* facet = element.if_object();
    if (facet == nullptr || json::GetBool(*facet, "hidden").value_or(false)) continue;
    paths.push_back(json::GetStringOr(*facet, "path", ""));
    if (!flags.query.empty() || flags.json) continue;
    Print(fmt::format("{:<24} {:<12} {}\n",
                      query::ForTerminal(json::GetStringOr(*facet, "name", "")),
                      query::ForTerminal(json::GetStringOr(*facet, "group", "")),
                      query::ForTerminal(paths.back())));
  }
  if (flags.query.empty()) {
    if (flags.json) PrintJson(*facets);
    return kExitOk;
  }
  if (paths.size() > query::CountService::kFieldsMax) {
    paths.resize(query::CountService::kFieldsMax);
    std::fprintf(stderr, "postglass: only the first %zu facets are counted\n", paths.size());
  }
  const Result<json::object> answer = source->Top(flags, paths);
  if (!answer) return FailWith(answer.error());
  const std::int64_t matched = json::GetInt(*answer, "matched").value_or(0);
  if (flags.json) PrintJson(*answer);
  const json::array* fields = json::GetArray(*answer, "fields");
  for (const json::value& element : fields != nullptr && !flags.json ? *fields : json::array()) {
    const json::object* field = element.if_object();
    const json::array* values = field == nullptr ? nullptr : json::GetArray(*field, "values");
    if (values == nullptr || values->empty()) continue;
    Print(query::ForTerminal(json::GetStringOr(*field, "field", "")) + "\n");
    PrintValues(*field, matched);
  }
  return PrintDamage(*answer, matched > 0 ? kExitOk : kExitNothingFound);
}

}  // namespace postglass
