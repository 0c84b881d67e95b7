#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/arn.h"
#include "base/encoding.h"
#include "net/address.h"
#include "net/http_client.h"
#include "topics/delivery_policy.h"
#include "topics/filter_policy.h"
#include "topics/limits.h"
#include "topics/sns_api.h"
#include "topics/sns_errors.h"

// The operations on subscriptions.

namespace postglass::topics {
namespace {

constexpr std::size_t kTokenBytes = 128;  // 256 hex characters

bool IsEndpoint(Protocol protocol, const std::string& endpoint, const aws::Account& account) {
  if (protocol == Protocol::kSqs) {  // it need not be there yet, as with SNS
    const std::optional<aws::Arn> arn = aws::ParseArn(endpoint);
    return arn && arn->service == "sqs" && arn->region == account.region &&
           arn->account_id == account.account_id && !arn->resource.empty();
  }
  if (protocol == Protocol::kLambda) {
    const std::optional<aws::Arn> arn = aws::ParseArn(endpoint);
    return arn && arn->service == "lambda" && arn->resource.starts_with("function:");
  }
  const Result<net::Url> url = net::ParseUrl(endpoint);
  return url && url->scheme == ProtocolName(protocol);
}

// An address written as such is refused when it is subscribed; a name when it is connected to.
bool IsForbiddenAddress(Protocol protocol, const std::string& endpoint, PrivateEndpoints allowed) {
  if (!IsHttp(protocol)) return false;
  const Result<net::Url> url = net::ParseUrl(endpoint);
  if (!url) return false;
  if (net::IsLinkLocalOrMetadataAddress(url->host)) return true;
  return allowed == PrivateEndpoints::kDenied && net::ParseSocketAddress(url->host, 80) &&
         !net::IsPublicAddress(url->host);
}

// Protocols that SNS has and this server does not.
bool IsForeignProtocol(std::string_view name) {
  constexpr std::array kForeign = {"email", "email-json", "sms", "firehose", "application"};
  return std::find(kForeign.begin(), kForeign.end(), name) != kForeign.end();
}

std::optional<std::string> RedrivePolicyError(const std::string& value) {
  const Result<json::object> policy = json::ParseObject(value);
  if (!policy) return fmt::format("failed to parse JSON. {}", policy.error().message);
  const std::optional<aws::Arn> arn =
      aws::ParseArn(json::GetStringOr(*policy, "deadLetterTargetArn", ""));
  if (!arn || arn->service != "sqs") return "deadLetterTargetArn is an invalid arn";
  return std::nullopt;
}

// Checks one attribute and puts it into `attributes`; an empty value takes it away. The text of
// the error begins with the attribute's name. Nothing in `text` with `failed`: unknown name.
struct AttributeError {
  bool failed = false;
  std::string text;
};

AttributeError SetAttribute(Attributes& attributes,
                            const std::string& name,
                            const std::string& value) {
  const auto wrong = [&name](std::string_view what) {
    return AttributeError{true, fmt::format("{}: {}", name, what)};
  };
  if (name == "RawMessageDelivery") {
    if (!EqualsIgnoreAsciiCase(value, "true") && !EqualsIgnoreAsciiCase(value, "false")) {
      return wrong(fmt::format("Invalid value [{}]. Must be true or false.", value));
    }
    attributes.insert_or_assign(name, AsciiLower(value));
    return {};
  }
  if (name == "FilterPolicy") {
    // Checked with its scope, once all attributes are there.
  } else if (name == "FilterPolicyScope") {
    if (value != "MessageAttributes" && value != "MessageBody") {
      return wrong(fmt::format(
          "Invalid value [{}]. Please use either MessageBody or MessageAttributes", value));
    }
  } else if (name == "DeliveryPolicy") {
    if (!value.empty()) {
      if (const Status good = CheckSubscriptionDeliveryPolicy(value); !good) {
        return wrong(good.error().message);
      }
    }
  } else if (name == "RedrivePolicy") {
    if (!value.empty()) {
      if (const auto error = RedrivePolicyError(value)) return wrong(*error);
    }
  } else {
    return {true, ""};
  }
  if (value.empty()) {
    attributes.erase(name);
  } else {
    attributes.insert_or_assign(name, value);
  }
  return {};
}

bool SameValue(const Attributes& attributes, const std::string& name, const std::string& value) {
  const auto at = attributes.find(name);
  if (at == attributes.end())
    return value.empty() || (name == "RawMessageDelivery" && value == "false");
  return at->second == value;
}

void AppendMember(aws::XmlWriter& xml, const Subscription& s, const std::string& owner) {
  xml.Open("member").Text("TopicArn", s.topic_arn).Text("Protocol", ProtocolName(s.protocol));
  xml.Text("SubscriptionArn",
           s.state == Subscription::State::kConfirmed ? s.arn : "PendingConfirmation");
  xml.Text("Owner", owner).Text("Endpoint", s.endpoint).Close();
}

}  // namespace

std::string SnsApi::NewToken() { return random_.Hex(kTokenBytes); }

SnsApi::Reply SnsApi::Subscribe(const Call& call) {
  const std::string name(call.params.Get("Protocol"));
  const std::optional<Protocol> protocol = ParseProtocol(name);
  if (!protocol && IsForeignProtocol(name)) {
    return InvalidParameter(fmt::format(
        "Protocol Reason: {} is not supported here; use http, https, lambda or sqs", name));
  }
  if (!protocol) {
    return InvalidParameter(
        fmt::format("Amazon SNS does not support this protocol string: {}", name));
  }
  Subscription wanted;
  wanted.protocol = *protocol;
  wanted.endpoint = call.params.Get("Endpoint");
  Attributes given;
  for (const auto& [key, value] : call.params.Map("Attributes")) {
    const AttributeError error = SetAttribute(wanted.attributes, key, value);
    if (error.failed) {
      return InvalidParameter(error.text.empty()
                                  ? fmt::format("Attributes Reason: Unknown attribute {}", key)
                                  : fmt::format("Attributes Reason: {}", error.text));
    }
    given.insert_or_assign(key, key == "RawMessageDelivery" ? AsciiLower(value) : value);
  }
  if (const auto filter = FilterPolicyOf(wanted.attributes); !filter) {
    return InvalidParameter(fmt::format("Attributes Reason: {}", filter.error().message));
  }

  MutexLock changing(registry_.change_mutex());
  const TopicOrError found = FindTopic(call, "TopicArn", "Subscribe");
  if (found.error) return *found.error;
  if (!IsEndpoint(*protocol, wanted.endpoint, registry_.account())) {
    return InvalidParameter(*protocol == Protocol::kLambda ? "Lambda endpoint ARN"
                            : *protocol == Protocol::kSqs
                                ? "SQS endpoint ARN"
                                : "Endpoint must match the specified protocol");
  }
  if (IsForbiddenAddress(*protocol, wanted.endpoint, topics_.private_endpoints())) {
    return InvalidParameter(
        "Endpoint Reason: link-local, metadata and (by topics.private_endpoints) private addresses "
        "are not allowed");
  }
  const auto existing = registry_.FindByEndpoint(found.topic->arn, *protocol, wanted.endpoint);
  if (existing) {
    for (const auto& [key, value] : given) {
      if (!SameValue(existing->attributes, key, value)) {
        return InvalidParameter(
            "Attributes Reason: Subscription already exists with different attributes");
      }
    }
    wanted = *existing;
  } else {
    wanted.topic_arn = found.topic->arn;
    wanted.arn = fmt::format("{}:{}", wanted.topic_arn, random_.Uuid());
    wanted.principal = CallerArn(call);
    if (!IsHttp(*protocol)) {
      wanted.state = Subscription::State::kConfirmed;
      wanted.confirmation_was_authenticated = true;
    } else {
      wanted.token = NewToken();
      wanted.token_expires_at = clock_.Now() + kTokenLifetime;
    }
    if (const Status stored = registry_.PutSubscription(wanted); !stored) {
      return StorageError(stored.error());
    }
  }
  const bool pending = wanted.state == Subscription::State::kPending;
  if (pending) {
    const Status sent = topics_.SendConfirmation(wanted, Message::Type::kSubscriptionConfirmation);
    if (!sent) return StorageError(sent.error());
  }
  const bool show_arn =
      !pending || EqualsIgnoreAsciiCase(call.params.Get("ReturnSubscriptionArn"), "true");
  aws::XmlWriter xml;
  xml.Text("SubscriptionArn", show_arn ? wanted.arn : "pending confirmation");
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::ConfirmSubscription(const Call& call) {
  if (CheckArn(call, "TopicArn")) return InvalidParameter("Topic");
  const std::string_view token = call.params.Get("Token");
  const bool hex = !token.empty() && std::all_of(token.begin(), token.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (!hex) return aws::AwsError{400, "InvalidParameter", "Invalid token"};

  MutexLock changing(registry_.change_mutex());
  const auto found = registry_.FindByToken(token);
  const bool usable =
      found && found->topic_arn == call.params.Get("TopicArn") &&
      (found->state == Subscription::State::kConfirmed || found->token_expires_at > clock_.Now()) &&
      registry_.FindTopic(found->topic_arn);
  if (!usable) return InvalidParameter("Token");
  if (found->state != Subscription::State::kConfirmed) {
    Subscription confirmed = *found;
    confirmed.state = Subscription::State::kConfirmed;
    confirmed.confirmation_was_authenticated = call.is_signed();
    confirmed.authenticate_on_unsubscribe =
        call.is_signed() &&
        EqualsIgnoreAsciiCase(call.params.Get("AuthenticateOnUnsubscribe"), "true");
    if (const Status stored = registry_.PutSubscription(confirmed); !stored) {
      return StorageError(stored.error());
    }
  }
  aws::XmlWriter xml;
  xml.Text("SubscriptionArn", found->arn);
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::Unsubscribe(const Call& call) {
  if (auto error = CheckArn(call, "SubscriptionArn")) return *error;
  const std::string arn(call.params.Get("SubscriptionArn"));
  // The resource is the topic's name and the subscription's id.
  if (std::count(arn.begin(), arn.end(), ':') != 6) return InvalidParameter("SubscriptionId");

  MutexLock changing(registry_.change_mutex());
  const auto found = registry_.FindSubscription(arn);
  if (!found || found->state == Subscription::State::kUnsubscribed) {
    return aws::ResultElement::kNone;
  }
  if (found->state == Subscription::State::kPending) {
    return InvalidParameter(
        "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation");
  }
  if (!call.is_signed() && found->authenticate_on_unsubscribe) {
    return aws::AwsError{403, "AuthorizationError", "Unsubscribing this needs authentication"};
  }
  if (!IsHttp(found->protocol)) {
    const Status removed = registry_.RemoveSubscription(arn);
    if (!removed) return StorageError(removed.error());
    return aws::ResultElement::kNone;
  }
  // An endpoint learns of it and may take it back for two days.
  Subscription gone = *found;
  gone.state = Subscription::State::kUnsubscribed;
  gone.token = NewToken();
  gone.token_expires_at = clock_.Now() + kTokenLifetime;
  if (const Status stored = registry_.PutSubscription(gone); !stored) {
    return StorageError(stored.error());
  }
  if (const auto topic = registry_.FindTopic(gone.topic_arn)) {
    Topic counted = *topic;
    ++counted.subscriptions_deleted;
    if (const Status stored = registry_.PutTopic(std::move(counted)); !stored) {
      return StorageError(stored.error());
    }
  }
  const Status sent = topics_.SendConfirmation(gone, Message::Type::kUnsubscribeConfirmation);
  if (!sent) return StorageError(sent.error());
  return aws::ResultElement::kNone;
}

SnsApi::Reply SnsApi::GetSubscriptionAttributes(const Call& call) {
  if (auto error = CheckArn(call, "SubscriptionArn")) return *error;
  const auto found = registry_.FindSubscription(call.params.Get("SubscriptionArn"));
  if (!found || found->state == Subscription::State::kUnsubscribed) return SubscriptionNotFound();
  const auto topic = registry_.FindTopic(found->topic_arn);
  Attributes shown = found->attributes;
  shown.emplace("RawMessageDelivery", "false");
  if (shown.contains("FilterPolicy")) shown.emplace("FilterPolicyScope", "MessageAttributes");
  if (IsHttp(found->protocol)) {
    const auto own = found->attributes.find("DeliveryPolicy");
    DeliveryPolicyTexts texts;
    if (topic) {
      const auto at = topic->attributes.find("DeliveryPolicy");
      if (at != topic->attributes.end()) texts.topic = at->second;
    }
    if (own != found->attributes.end()) {
      texts.subscription = own->second;
      shown.insert_or_assign("DeliveryPolicy", CompleteSubscriptionPolicyText(own->second));
    }
    shown.insert_or_assign("EffectiveDeliveryPolicy", EffectiveSubscriptionPolicyText(texts));
  }
  const auto yes_no = [](bool yes) { return yes ? "true" : "false"; };
  shown.insert_or_assign("ConfirmationWasAuthenticated",
                         yes_no(found->confirmation_was_authenticated));
  shown.insert_or_assign("Endpoint", found->endpoint);
  shown.insert_or_assign("Owner", registry_.account().account_id);
  shown.insert_or_assign("PendingConfirmation",
                         yes_no(found->state == Subscription::State::kPending));
  shown.insert_or_assign("Protocol", std::string(ProtocolName(found->protocol)));
  shown.insert_or_assign("SubscriptionArn", found->arn);
  shown.insert_or_assign("SubscriptionPrincipal", found->principal);
  shown.insert_or_assign("TopicArn", found->topic_arn);
  aws::XmlWriter xml;
  xml.Open("Attributes");
  for (const auto& [name, value] : shown) {
    xml.Open("entry").Text("key", name).Text("value", value).Close();
  }
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::SetSubscriptionAttributes(const Call& call) {
  if (auto error = CheckArn(call, "SubscriptionArn")) return *error;
  MutexLock changing(registry_.change_mutex());
  const auto found = registry_.FindSubscription(call.params.Get("SubscriptionArn"));
  if (!found || found->state == Subscription::State::kUnsubscribed) return SubscriptionNotFound();
  Subscription changed = *found;
  const AttributeError error = SetAttribute(changed.attributes,
                                            std::string(call.params.Get("AttributeName")),
                                            std::string(call.params.Get("AttributeValue")));
  if (error.failed) return InvalidParameter(error.text.empty() ? "AttributeName" : error.text);
  if (const auto filter = FilterPolicyOf(changed.attributes); !filter) {
    return InvalidParameter(filter.error().message);
  }
  if (const Status stored = registry_.PutSubscription(std::move(changed)); !stored) {
    return StorageError(stored.error());
  }
  return aws::ResultElement::kNone;
}

SnsApi::Reply SnsApi::SubscriptionPage(const Call& call, std::string_view topic_arn) {
  const auto after = Base64UrlDecode(call.params.Get("NextToken"));
  if (!after) return InvalidParameter("NextToken");
  const auto page = registry_.ListSubscriptions(topic_arn, *after, kPageSize + 1);
  aws::XmlWriter xml;
  xml.Open("Subscriptions");
  const std::size_t shown = std::min(page.size(), kPageSize);
  for (std::size_t i = 0; i < shown; ++i) {
    AppendMember(xml, *page[i], registry_.account().account_id);
  }
  xml.Close();
  if (page.size() > kPageSize) xml.Text("NextToken", Base64UrlEncode(page[shown - 1]->arn));
  return std::move(xml).Finish();
}

SnsApi::Reply SnsApi::ListSubscriptions(const Call& call) { return SubscriptionPage(call, {}); }

SnsApi::Reply SnsApi::ListSubscriptionsByTopic(const Call& call) {
  const TopicOrError found = FindTopic(call, "TopicArn", "ListSubscriptionsByTopic");
  if (found.error) return *found.error;
  return SubscriptionPage(call, found.topic->arn);
}

}  // namespace postglass::topics
