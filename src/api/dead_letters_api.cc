#include "api/dead_letters_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "api/json_api.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "queues/limits.h"

namespace postglass::api {
namespace {

constexpr std::string_view kDeadLetters = "/api/v2/postglass/dead-letters";
constexpr std::string_view kQueues = "/api/v2/postglass/queues";
constexpr std::size_t kCountDefault = 100;
constexpr std::size_t kCountMax = 1'000;
constexpr std::size_t kBodyBytesMax = 64 << 10;

bool IsAtOrBelow(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

net::HttpResponse Answer(const json::object& body) {
  net::HttpResponse response = net::JsonResponse(200, json::Serialize(body));
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// How many to show; nothing when it is no number from 1 to kCountMax.
std::optional<std::size_t> CountOf(const net::HttpRequest& request) {
  const auto pairs = net::ParseForm(request.query());
  const auto text = pairs ? net::FindParam(*pairs, "count") : std::nullopt;
  if (!text) return kCountDefault;
  const auto count = ParseNumber<std::size_t>(*text);
  if (!count || *count == 0 || *count > kCountMax) return std::nullopt;
  return count;
}

std::string IdOf(const topics::DeadLetter& letter) {
  return fmt::format("{}-{}", letter.number, letter.target_index);
}

json::object ShowMessage(const queues::QueueService::Received& each) {
  const queues::Message& message = *each.message;
  json::object attributes;
  for (const queues::MessageAttribute& attribute : message.attributes) {
    attributes[attribute.name] =
        attribute.binary() ? Base64Encode(attribute.value) : attribute.value;
  }
  return {{"message_id", message.message_id},
          {"sent", FormatIso8601Millis(message.sent_at)},
          {"receives", each.state.receives},
          {"body", message.body},
          {"attributes", std::move(attributes)},
          {"source_queue_arn", message.source_queue_arn},
          {"subscription_arn", message.subscription_arn}};
}

}  // namespace

bool DeadLettersApi::Handles(std::string_view path) {
  return IsAtOrBelow(path, kDeadLetters) || IsAtOrBelow(path, kQueues);
}

net::HttpResponse DeadLettersApi::ListDeadLetters(std::size_t count_max) const {
  json::array list;
  for (const topics::DeadLetter& letter : topics_.DeadLetters(count_max)) {
    list.push_back(json::object{{"id", IdOf(letter)},
                                {"message_id", letter.message_id},
                                {"topic_arn", letter.topic_arn},
                                {"subscription_arn", letter.target.subscription_arn},
                                {"protocol", topics::ProtocolName(letter.target.protocol)},
                                {"endpoint", letter.target.endpoint},
                                {"attempts", letter.attempts},
                                {"reason", ToValidUtf8(letter.reason)},
                                {"since", FormatIso8601Millis(letter.since)}});
  }
  return Answer({{"dead_letters", std::move(list)}, {"total", topics_.health().dead_letters}});
}

net::HttpResponse DeadLettersApi::RedriveDeadLetters(const json::object& request) {
  const auto id = json::GetString(request, "id");
  if (!id) return Answer({{"redriven", topics_.Redrive()}});
  const std::size_t dash = id->find('-');
  if (dash == std::string_view::npos) return ErrorResponse(400, "id is NUMBER-NUMBER");
  const auto number = ParseNumber<topics::MessageNumber>(id->substr(0, dash));
  const auto target = ParseNumber<std::uint32_t>(id->substr(dash + 1));
  if (!number || !target) return ErrorResponse(400, "id is NUMBER-NUMBER");
  const std::size_t redriven = topics_.Redrive(std::pair(*number, *target));
  if (redriven == 0) return ErrorResponse(404, fmt::format("no dead letter has the id {}", *id));
  return Answer({{"redriven", redriven}});
}

net::HttpResponse DeadLettersApi::ListQueues() const {
  json::array list;
  for (const auto& queue : queues_.registry().List({}, {}, queues::kQueuesMax)) {
    const queues::MessageStore::Counts counts = queues_.CountsOf(*queue);
    json::array sources;
    for (const auto& source : queues_.registry().SourcesOf(queue->arn)) {
      sources.emplace_back(source->name);
    }
    list.push_back(json::object{{"name", queue->name},
                                {"arn", queue->arn},
                                {"visible", counts.visible},
                                {"in_flight", counts.in_flight},
                                {"delayed", counts.delayed},
                                {"dead_letters_of", std::move(sources)}});
  }
  return Answer({{"queues", std::move(list)}});
}

net::HttpResponse DeadLettersApi::HandleQueue(const net::HttpRequest& request,
                                              std::string_view rest,
                                              const json::object& body,
                                              std::size_t count_max) {
  const std::size_t slash = rest.find('/');
  const std::string name = PercentDecode(rest.substr(0, slash));
  const std::string_view what =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  const std::shared_ptr<const queues::Queue> queue = queues_.registry().Find(name);
  if (!queue) return ErrorResponse(404, fmt::format("there is no queue {}", name));
  if (what.empty() && request.method == "GET") {
    json::array messages;
    for (const auto& each : queues_.Peek(*queue, count_max)) messages.push_back(ShowMessage(each));
    return Answer({{"messages", std::move(messages)}, {"total", queues_.CountsOf(*queue).all()}});
  }
  if (request.method != "POST") return ErrorResponse(405, "method not allowed");
  if (what == "redrive") {
    const Result<std::string> handle =
        queues_.StartMove(*queue, json::GetStringOr(body, "destination_arn", ""), 0);
    if (!handle) return ErrorResponse(409, handle.error().message);
    return Answer({{"task_handle", *handle}});
  }
  if (what == "purge") {
    const Status purged = queues_.PurgeQueue(*queue);
    if (!purged) return ErrorResponse(503, purged.error().message);
    return Answer({});
  }
  return ErrorResponse(404, "not found");
}

net::HttpResponse DeadLettersApi::Handle(const net::HttpRequest& request) {
  const std::string_view path = request.path();
  const std::optional<std::size_t> count_max = CountOf(request);
  if (!count_max) return ErrorResponse(400, fmt::format("count is 1 to {}", kCountMax));
  json::object body;
  if (request.method == "POST" && !request.body.empty()) {
    if (request.body.size() > kBodyBytesMax) return ErrorResponse(413, "the request is too large");
    auto parsed = json::ParseObject(request.body);
    if (!parsed) return ErrorResponse(400, parsed.error().message);
    body = std::move(*parsed);
  }
  if (path == kDeadLetters && request.method == "GET") return ListDeadLetters(*count_max);
  if (path == fmt::format("{}/redrive", kDeadLetters) && request.method == "POST") {
    return RedriveDeadLetters(body);
  }
  if (path == kQueues && request.method == "GET") return ListQueues();
  if (path.size() > kQueues.size() + 1 && path.starts_with(kQueues)) {
    return HandleQueue(request, path.substr(kQueues.size() + 1), body, *count_max);
  }
  return ErrorResponse(405, "method not allowed");
}

}  // namespace postglass::api
