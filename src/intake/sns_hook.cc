#include "intake/sns_hook.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "aws/arn.h"
#include "base/encoding.h"
#include "base/log.h"

namespace postglass::intake {
namespace {

constexpr std::chrono::milliseconds kConfirmTimeout{10'000};
constexpr std::size_t kTokenBytesMax = 1024;

int StatusOf(SnsReason reason) {
  switch (reason) {
    case SnsReason::kTooLarge:
      return 413;
    case SnsReason::kRawDelivery:
    case SnsReason::kMalformed:
    case SnsReason::kType:
      return 400;
    default:
      return MayPass(reason) ? 503 : 403;  // after a 503 SNS tries again
  }
}

std::string_view Text(const json::object& o, std::string_view name) {
  return json::GetString(o, name).value_or(std::string_view());
}

// The host of the SNS API of the topic's Region; nothing for what is no topic of Amazon's.
std::optional<std::string> SnsHostOf(std::string_view topic_arn) {
  const auto arn = aws::ParseArn(topic_arn);
  if (!arn || arn->service != "sns" || arn->region.empty()) return std::nullopt;
  const bool plain = std::all_of(arn->region.begin(), arn->region.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!plain) return std::nullopt;
  if (arn->partition == "aws" || arn->partition == "aws-us-gov") {
    return fmt::format("sns.{}.amazonaws.com", arn->region);
  }
  if (arn->partition == "aws-cn") return fmt::format("sns.{}.amazonaws.com.cn", arn->region);
  return std::nullopt;
}

SnsRefused Refuse(SnsReason reason, std::string detail) { return {reason, std::move(detail)}; }

}  // namespace

struct SnsHook::Counters {
  explicit Counters(Metrics& metrics) {
    for (std::size_t i = 0; i < kSnsReasonsCount; ++i) {
      refused[i] = &metrics.GetCounter(
          "postglass_intake_refused_deliveries_total",
          "Deliveries by a hook that were not believed or not taken",
          {{"hook", "sns"}, {"reason", SnsReasonName(static_cast<SnsReason>(i))}});
    }
    confirmed = &metrics.GetCounter("postglass_intake_subscriptions_confirmed_total",
                                    "Subscriptions of Amazon SNS that were confirmed");
    unsubscribed = &metrics.GetCounter("postglass_intake_subscriptions_ended_total",
                                       "Subscriptions that Amazon SNS said have ended");
  }

  std::array<Counter*, kSnsReasonsCount> refused{};
  Counter* confirmed = nullptr;
  Counter* unsubscribed = nullptr;
};

SnsHook::SnsHook(Options options,
                 Intake& intake,
                 net::HttpClient& client,
                 CertificateChainChecker& chain,
                 const Clock& clock,
                 Metrics& metrics)
    : intake_(intake),
      client_(client),
      clock_(clock),
      verifier_({std::move(options.topics),
                 std::min<std::chrono::milliseconds>(options.max_age, kAgeMax),
                 "hooks.sns.topics",
                 "hooks.sns.max_age"},
                client,
                chain,
                clock),
      counters_(std::make_unique<Counters>(metrics)) {}

SnsHook::~SnsHook() = default;

net::HttpResponse SnsHook::Handle(const net::HttpRequest& request) {
  if (request.method != "POST") {
    net::HttpResponse response = net::TextResponse(405, "only POST is supported here\n");
    response.headers.Add("Allow", "POST");
    return response;
  }
  json::object message;
  auto refused = Check(request, message);
  if (!refused) {
    const std::string_view type = Text(message, "Type");
    if (type == "Notification") {
      refused = Take(request, message);
    } else if (type == "SubscriptionConfirmation") {
      refused = Confirm(message);
    } else {
      counters_->unsubscribed->Add();
      log::Warn("hooks",
                "Amazon SNS says that the subscription to {} has ended",
                Text(message, "TopicArn"));
    }
  }
  if (refused) return Answer(request, message, *refused);
  return net::JsonResponse(200, "{}");
}

std::optional<SnsRefused> SnsHook::Check(const net::HttpRequest& request, json::object& message) {
  if (request.body.size() > kBodyBytesMax) {
    return Refuse(SnsReason::kTooLarge, fmt::format("the body has {} bytes", request.body.size()));
  }
  if (EqualsIgnoreAsciiCase(request.headers.Get("x-amz-sns-rawdelivery"), "true")) {
    return Refuse(SnsReason::kRawDelivery,
                  "raw message delivery carries no signature: switch RawMessageDelivery off on the "
                  "subscription");
  }
  auto parsed = json::ParseObject(request.body);
  if (!parsed) return Refuse(SnsReason::kMalformed, parsed.error().message);
  message = *std::move(parsed);

  const std::string_view type = Text(message, "Type");
  if (type != "Notification" && type != "SubscriptionConfirmation" &&
      type != "UnsubscribeConfirmation") {
    return Refuse(SnsReason::kType, fmt::format("unknown Type \"{}\"", type));
  }
  if (request.headers.Get("x-amz-sns-message-type") != type) {
    return Refuse(SnsReason::kType,
                  fmt::format("the header x-amz-sns-message-type says \"{}\", the body \"{}\"",
                              request.headers.Get("x-amz-sns-message-type"),
                              type));
  }
  return verifier_.Check(message);
}

// The call is built from topic and token; the SubscribeURL of the message is never followed.
std::optional<SnsRefused> SnsHook::Confirm(const json::object& message) {
  const std::string_view topic = Text(message, "TopicArn");
  const std::string_view token = Text(message, "Token");
  const auto host = SnsHostOf(topic);
  if (!host || token.empty() || token.size() > kTokenBytesMax) {
    return Refuse(SnsReason::kMalformed, "no topic or token to confirm");
  }
  net::HttpClient::Request request;
  request.url = fmt::format("https://{}/?Action=ConfirmSubscription&TopicArn={}&Token={}",
                            *host,
                            PercentEncode(topic),
                            PercentEncode(token));
  request.timeout = kConfirmTimeout;
  const auto response = client_.Send(request);
  if (!response) return Refuse(SnsReason::kConfirmationFailed, response.error().message);
  if (response->status != 200)
    return Refuse(SnsReason::kConfirmationFailed,
                  fmt::format("{} answered {}", *host, response->status));
  counters_->confirmed->Add();
  log::Info("hooks", "confirmed the subscription to {}", topic);
  return std::nullopt;
}

std::optional<SnsRefused> SnsHook::Take(const net::HttpRequest& request,
                                        const json::object& message) {
  std::vector<pipelines::Log> logs;
  logs.push_back(SnsLog(message, request.headers.Get("x-amz-sns-subscription-arn"), clock_.Now()));
  Provenance provenance;
  provenance.verified = Verified::kSignature;
  provenance.door = Door::kSnsHook;
  const auto result = intake_.Ingest(std::move(logs), provenance);
  if (result) return std::nullopt;
  return Refuse(SnsReason::kStoreUnavailable, result.error().message);
}

net::HttpResponse SnsHook::Answer(const net::HttpRequest& request,
                                  const json::object& message,
                                  const SnsRefused& refused) {
  const auto index = static_cast<std::size_t>(refused.reason);
  counters_->refused[index]->Add();
  Refusal kept;
  kept.at = clock_.Now();
  kept.reason = SnsReasonName(refused.reason);
  kept.detail = refused.detail;
  kept.type = Text(message, "Type");
  kept.topic_arn = Text(message, "TopicArn");
  kept.message_id = Text(message, "MessageId");
  kept.peer_address = request.peer_address;
  log::Debug("hooks", "refused a delivery: {}: {}", kept.reason, kept.detail);
  refusals_.Add(std::move(kept));

  const int status = StatusOf(refused.reason);
  json::object body;
  body["reason"] = SnsReasonName(refused.reason);
  body["detail"] = ToValidUtf8(refused.detail);
  net::HttpResponse response = net::JsonResponse(status, json::Serialize(body));
  if (status == 503) response.headers.Add("Retry-After", "5");
  return response;
}

}  // namespace postglass::intake
