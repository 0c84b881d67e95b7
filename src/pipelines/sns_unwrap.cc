#include "pipelines/sns_unwrap.h"

#include "base/encoding.h"
#include "pipelines/json_parser.h"

namespace postglass::pipelines {
namespace {

bool LooksLikeObject(std::string_view text) { return TrimAscii(text).starts_with('{'); }

// Members of `payload` replace those at the root, but nothing may pose as the envelope.
void Lift(json::object payload, Log& log) {
  const bool has_envelope = log.attributes.contains("Sns");
  log.attributes.reserve(log.attributes.size() + payload.size());
  for (auto& member : payload) {
    if (has_envelope && member.key() == "Sns") continue;
    log.attributes.insert_or_assign(member.key(), std::move(member.value()));
  }
  const json::value* message = log.attributes.if_contains("message");
  if (message != nullptr && message->is_string() && log.message.empty()) {
    log.message = std::string_view(message->get_string());
    log.attributes.stable_erase("message");
  }
}

}  // namespace

Status UnwrapSns(Log& log, Context&) {
  if (LooksLikeObject(log.message) && !log.attributes.contains("Sns")) {
    ASSIGN_OR_RETURN(json::object payload, ParseObjectInto(log.message, log.attributes.storage()));
    log.message.clear();
    Lift(std::move(payload), log);
  }
  json::value* envelope = log.attributes.if_contains("Sns");
  if (envelope == nullptr || !envelope->is_object()) return {};
  json::object& sns = envelope->get_object();
  sns.stable_erase("Signature");
  sns.stable_erase("UnsubscribeUrl");
  sns.stable_erase("UnsubscribeURL");
  json::value* message = sns.if_contains("Message");
  if (message == nullptr || !message->is_string()) return {};
  const std::string_view text = message->get_string();
  if (LooksLikeObject(text)) {
    ASSIGN_OR_RETURN(json::object payload, ParseObjectInto(text, log.attributes.storage()));
    sns.stable_erase("Message");
    Lift(std::move(payload), log);  // may move `envelope`
  } else if (log.message.empty()) {
    log.message = text;
    sns.stable_erase("Message");
  }
  return {};
}

}  // namespace postglass::pipelines
