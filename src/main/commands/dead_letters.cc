#include "main/commands/dead_letters.h"

#include <fmt/format.h>

#include <functional>

#include "base/encoding.h"
#include "base/json.h"
#include "main/server_client.h"

namespace postglass {
namespace {

constexpr std::size_t kBodyShown = 200;  // characters of a message on the terminal

std::string QueuePath(const std::string& queue) {
  return "/api/v2/postglass/queues/" + PercentEncode(queue);
}

Result<json::object> Ask(const CommandContext& context,
                         const DeadLettersFlags& flags,
                         const std::string& method,
                         const std::string& target,
                         const json::object& body = {}) {
  ASSIGN_OR_RETURN(const std::unique_ptr<ServerClient> server,
                   ServerClient::Connect(context.fs, context.DataPath(flags.data), ServerFlags{}));
  ASSIGN_OR_RETURN(
      json::value answer,
      server->CallJson(method, target, method == "POST" ? json::Serialize(body) : std::string()));
  return answer.is_object() ? std::move(answer.get_object()) : json::object();
}

// Each member of the list `name` as one line, or the whole answer as JSON.
int ShowList(const Result<json::object>& answer,
             const DeadLettersFlags& flags,
             std::string_view name,
             const std::function<std::string(const json::object&)>& line) {
  if (!answer) return FailWith(answer.error());
  if (flags.json) {
    Print(json::Serialize(*answer) + "\n");
    return kExitOk;
  }
  const json::array* items = json::GetArray(*answer, name);
  if (items == nullptr || items->empty()) return kExitNothingFound;
  for (const json::value& item : *items) {
    if (const json::object* o = item.if_object()) Print(line(*o) + "\n");
  }
  return kExitOk;
}

std::string LetterLine(const json::object& o) {
  return fmt::format("{:<10} {} {:<7} {} after {} attempts: {}",
                     json::GetStringOr(o, "id", ""),
                     json::GetStringOr(o, "since", ""),
                     json::GetStringOr(o, "protocol", ""),
                     json::GetStringOr(o, "endpoint", ""),
                     json::GetInt(o, "attempts").value_or(0),
                     json::GetStringOr(o, "reason", ""));
}

std::string MessageLine(const json::object& o) {
  std::string from = json::GetStringOr(o, "subscription_arn", "");
  if (from.empty()) from = json::GetStringOr(o, "source_queue_arn", "");
  std::string body = json::GetStringOr(o, "body", "");
  if (body.size() > kBodyShown) body = ToValidUtf8(body.substr(0, kBodyShown)) + "…";
  for (char& c : body) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return fmt::format("{} {} {}\n    {}",
                     json::GetStringOr(o, "sent", ""),
                     json::GetStringOr(o, "message_id", ""),
                     from.empty() ? "" : "from " + from,
                     body);
}

std::string QueueLine(const json::object& o) {
  std::string sources;
  if (const json::array* names = json::GetArray(o, "dead_letters_of")) {
    for (const json::value& name : *names) {
      if (!name.is_string()) continue;
      sources += sources.empty() ? "  dead letters of " : ", ";
      sources += std::string_view(name.get_string());
    }
  }
  return fmt::format("{:<40} {:>8} visible {:>8} in flight {:>8} delayed{}",
                     json::GetStringOr(o, "name", ""),
                     json::GetInt(o, "visible").value_or(0),
                     json::GetInt(o, "in_flight").value_or(0),
                     json::GetInt(o, "delayed").value_or(0),
                     sources);
}

}  // namespace

int RunDeadLettersList(const CommandContext& context, const DeadLettersFlags& flags) {
  const std::string path =
      flags.queue.empty() ? "/api/v2/postglass/dead-letters" : QueuePath(flags.queue);
  const Result<json::object> answer =
      Ask(context, flags, "GET", fmt::format("{}?count={}", path, flags.count));
  return flags.queue.empty() ? ShowList(answer, flags, "dead_letters", LetterLine)
                             : ShowList(answer, flags, "messages", MessageLine);
}

int RunDeadLettersRedrive(const CommandContext& context, const DeadLettersFlags& flags) {
  json::object body;
  if (!flags.id.empty()) body["id"] = flags.id;
  const Result<json::object> answer =
      Ask(context,
          flags,
          "POST",
          flags.queue.empty() ? "/api/v2/postglass/dead-letters/redrive"
                              : QueuePath(flags.queue) + "/redrive",
          body);
  if (!answer) return FailWith(answer.error());
  if (flags.json) {
    Print(json::Serialize(*answer) + "\n");
  } else if (flags.queue.empty()) {
    Print(fmt::format("{} are delivered again\n", json::GetInt(*answer, "redriven").value_or(0)));
  } else {
    Print("they are being sent back; postglass queues shows how many are left\n");
  }
  return kExitOk;
}

int RunQueuesList(const CommandContext& context, const DeadLettersFlags& flags) {
  return ShowList(
      Ask(context, flags, "GET", "/api/v2/postglass/queues"), flags, "queues", QueueLine);
}

}  // namespace postglass
