#include <fmt/format.h>

#include "base/encoding.h"
#include "base/time_format.h"
#include "main/commands/ask.h"
#include "net/http_stream.h"
#include "query/output.h"

namespace postglass {
namespace {

constexpr std::chrono::seconds kSilenceMax{60};  // the server sends a heartbeat every 15 s

store::Event ReadEvent(const json::object& row) {
  store::Event event;
  event.timestamp_ms =
      ParseIso8601(json::GetStringOr(row, "timestamp", "")).value_or(Timestamp()).millis();
  event.message = json::GetStringOr(row, "message", "");
  event.status = json::GetStringOr(row, "status", "");
  event.service = json::GetStringOr(row, "service", "");
  if (const json::object* attributes = json::GetObject(row, "attributes")) {
    event.attributes = json::Serialize(*attributes);
  }
  return event;
}

// Server-sent events (WHATWG HTML, "Server-sent events") from pieces as they come.
class EventStream {
 public:
  EventStream(const SearchFlags& flags, query::Colour colour) : flags_(flags), colour_(colour) {}

  void Take(std::string_view piece) {
    pending_ += piece;
    for (std::size_t end = pending_.find('\n'); end != std::string::npos;
         end = pending_.find('\n')) {
      Line(std::string_view(pending_).substr(0, end));
      pending_.erase(0, end + 1);
    }
  }

  const std::string& last_id() const { return last_id_; }

 private:
  void Line(std::string_view line) {
    if (line.empty()) {
      type_.clear();
    } else if (line.starts_with("id: ")) {
      last_id_ = line.substr(4);
    } else if (line.starts_with("event: ")) {
      type_ = line.substr(7);
    } else if (line.starts_with("data: ")) {
      Data(line.substr(6));
    }
  }

  // What is no event is for people.
  std::string Notice(std::string_view data) const {
    const auto notice = json::ParseObject(data);
    if (!notice) return query::ForTerminal(data);
    if (type_ == "sampled") {
      return fmt::format("too fast to show: {} of {}{} events shown",
                         json::GetInt(*notice, "given").value_or(0),
                         json::GetInt(*notice, "of").value_or(0),
                         json::GetBool(*notice, "or_more").value_or(false) ? " or more" : "");
    }
    return query::ForTerminal(json::GetStringOr(*notice, "message", data));
  }

  void Data(std::string_view data) {
    if (!type_.empty()) {
      std::fprintf(stderr, "postglass: %s\n", Notice(data).c_str());
      return;
    }
    if (flags_.json) {
      Print(std::string(data) + "\n");
    } else if (const auto row = json::ParseObject(data)) {
      Print(query::EventTerminalLine(ReadEvent(*row), colour_) + "\n");
    }
    std::fflush(stdout);
  }

  const SearchFlags& flags_;
  const query::Colour colour_;
  std::string pending_;
  std::string type_;
  std::string last_id_;
};

}  // namespace

int RunTail(const CommandContext& context, const SearchFlags& flags) {
  const auto server = ServerClient::Connect(context.fs, context.DataPath(flags.data), flags.server);
  if (!server) return FailWith(server.error());
  EventStream events(flags, context.color ? query::Colour::kAlways : query::Colour::kNever);
  net::HttpClient::Request request;
  request.url = fmt::format("{}/api/v2/postglass/tail?query={}",
                            (*server)->url(),
                            PercentEncode(flags.query.empty() ? "*" : flags.query));
  // A connection that breaks off is taken up where it ended: no event is missed or shown twice.
  for (bool first = true;; first = false) {
    request.headers = (*server)->headers();
    if (!events.last_id().empty()) request.headers.Add("Last-Event-ID", events.last_id());
    const std::string before = events.last_id();
    const Status ended = net::StreamGet({}, request, kSilenceMax, [&](std::string_view piece) {
      events.Take(piece);
      return true;
    });
    if (!ended && (first || events.last_id() == before)) {
      return FailWith(WithReadableMessage(ended.error()));
    }
  }
}

}  // namespace postglass
