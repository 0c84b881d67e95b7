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
  }
  return "";
}

std::optional<Protocol> ParseProtocol(std::string_view name) {
  for (const Protocol protocol : {Protocol::kHttp, Protocol::kHttps, Protocol::kLambda}) {
    if (ProtocolName(protocol) == name) return protocol;
  }
  return std::nullopt;
}

bool Subscription::raw_delivery() const {
  const auto at = attributes.find("RawMessageDelivery");
  return at != attributes.end() && EqualsIgnoreAsciiCase(at->second, "true");
}

const std::string& Message::body_for(Protocol protocol) const {
  const auto at = body_by_protocol.find(ProtocolName(protocol));
  return at == body_by_protocol.end() ? body : at->second;
}

}  // namespace postglass::topics
