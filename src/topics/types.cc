#include "topics/types.h"

#include "base/encoding.h"

namespace postglass::topics {

std::string_view ProtocolName(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp:
      return "http";
    case Protocol::kHttps:
      return "https";
    case Protocol::kLambda:
      return "lambda";
    case Protocol::kSqs:
      return "sqs";
  }
  return "";
}

std::optional<Protocol> ParseProtocol(std::string_view name) {
  for (const Protocol protocol : kProtocols) {
    if (ProtocolName(protocol) == name) return protocol;
  }
  return std::nullopt;
}

bool Subscription::raw_delivery() const {
  const auto at = attributes.find("RawMessageDelivery");
  return at != attributes.end() && EqualsIgnoreAsciiCase(at->second, "true");
}

std::string Subscription::dead_letter_queue() const {
  const auto at = attributes.find("RedrivePolicy");
  if (at == attributes.end()) return {};
  const Result<json::object> policy = json::ParseObject(at->second);
  return policy ? json::GetStringOr(*policy, "deadLetterTargetArn", "") : std::string();
}

const std::string& Message::body_for(Protocol protocol) const {
  const auto at = body_by_protocol.find(ProtocolName(protocol));
  return at == body_by_protocol.end() ? body : at->second;
}

}  // namespace postglass::topics
