#include "intake/sns_hook.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "aws/arn.h"
#include "aws/sns_signature.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"
#include "intake/preprocess.h"

namespace postglass::intake {
namespace {

constexpr std::chrono::milliseconds kConfirmTimeout{10'000};
constexpr std::size_t kTokenBytesMax = 1024;

enum class Reason {
  kTooLarge,
  kRawDelivery,
  kMalformed,
  kType,
  kTopicNotAllowed,
  kCertificateUrl,
  kCertificateUnavailable,
  kCertificateUntrusted,
  kSignature,
  kTooOld,
  kFromFuture,
  kConfirmationFailed,
  kStoreUnavailable,
};
constexpr std::array<std::string_view, 13> kReasonNames = {"too_large",
                                                           "raw_delivery",
                                                           "malformed",
                                                           "type",
                                                           "topic_not_allowed",
                                                           "certificate_url",
                                                           "certificate_unavailable",
                                                           "certificate_untrusted",
                                                           "signature",
                                                           "too_old",
                                                           "from_future",
                                                           "confirmation_failed",
                                                           "store_unavailable"};

int StatusOf(Reason reason) {
  switch (reason) {
    case Reason::kTooLarge:
      return 413;
    case Reason::kRawDelivery:
    case Reason::kMalformed:
    case Reason::kType:
      return 400;
    case Reason::kCertificateUnavailable:
    case Reason::kConfirmationFailed:
    case Reason::kStoreUnavailable:
      return 503;  // SNS tries again
    default:
      return 403;
  }
}

// The fields that the signature covers, and where it came from. Others are not passed on: whoever
// relays a delivery could have changed them.
constexpr std::array<std::string_view, 6> kKeptFields = {
    "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"};

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

std::optional<aws::SnsSignatureVersion> VersionOf(std::string_view text) {
  if (text == "1") return aws::SnsSignatureVersion::kSha1;
  if (text == "2") return aws::SnsSignatureVersion::kSha256;
  return std::nullopt;
}

}  // namespace

struct SnsHook::Refused {
  static std::unique_ptr<Refused> Make(Reason reason, std::string detail) {
    return std::make_unique<Refused>(Refused{reason, std::move(detail)});
  }

  Reason reason;
  std::string detail;
};

struct SnsHook::Counters {
  explicit Counters(Metrics& metrics) {
    for (std::size_t i = 0; i < kReasonNames.size(); ++i) {
      refused[i] = &metrics.GetCounter("postglass_intake_refused_deliveries_total",
                                       "Deliveries by a hook that were not believed or not taken",
                                       {{"hook", "sns"}, {"reason", kReasonNames[i]}});
    }
    confirmed = &metrics.GetCounter("postglass_intake_subscriptions_confirmed_total",
                                    "Subscriptions of Amazon SNS that were confirmed");
    unsubscribed = &metrics.GetCounter("postglass_intake_subscriptions_ended_total",
                                       "Subscriptions that Amazon SNS said have ended");
  }

  std::array<Counter*, kReasonNames.size()> refused{};
  Counter* confirmed = nullptr;
  Counter* unsubscribed = nullptr;
};

SnsHook::SnsHook(Options options,
                 Intake& intake,
                 net::HttpClient& client,
                 CertificateChainChecker& chain,
                 const Clock& clock,
                 Metrics& metrics)
    : options_(std::move(options)),
      intake_(intake),
      client_(client),
      chain_(chain),
      clock_(clock),
      certificates_(client, clock),
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

std::unique_ptr<SnsHook::Refused> SnsHook::Check(const net::HttpRequest& request,
                                                 json::object& message) {
  if (request.body.size() > kBodyBytesMax) {
    return Refused::Make(Reason::kTooLarge,
                         fmt::format("the body has {} bytes", request.body.size()));
  }
  if (EqualsIgnoreAsciiCase(request.headers.Get("x-amz-sns-rawdelivery"), "true")) {
    return Refused::Make(
        Reason::kRawDelivery,
        "raw message delivery carries no signature: switch RawMessageDelivery off on the "
        "subscription");
  }
  auto parsed = json::ParseObject(request.body);
  if (!parsed) return Refused::Make(Reason::kMalformed, parsed.error().message);
  message = *std::move(parsed);

  const std::string_view type = Text(message, "Type");
  if (type != "Notification" && type != "SubscriptionConfirmation" &&
      type != "UnsubscribeConfirmation") {
    return Refused::Make(Reason::kType, fmt::format("unknown Type \"{}\"", type));
  }
  if (request.headers.Get("x-amz-sns-message-type") != type) {
    return Refused::Make(
        Reason::kType,
        fmt::format("the header x-amz-sns-message-type says \"{}\", the body \"{}\"",
                    request.headers.Get("x-amz-sns-message-type"),
                    type));
  }
  const std::string_view topic = Text(message, "TopicArn");
  if (std::find(options_.topics.begin(), options_.topics.end(), topic) == options_.topics.end()) {
    return Refused::Make(
        Reason::kTopicNotAllowed,
        fmt::format("the topic {} is not on the list: add it to hooks.sns.topics", topic));
  }
  if (auto refused = CheckSignature(message)) return refused;
  return CheckAge(message);
}

std::unique_ptr<SnsHook::Refused> SnsHook::CheckSignature(const json::object& message) {
  const std::string url(Text(message, "SigningCertURL"));
  const auto host = CheckSigningCertificateUrl(url);
  if (!host) return Refused::Make(Reason::kCertificateUrl, host.error().message);
  const auto certificate = certificates_.Get(url);
  if (!certificate)
    return Refused::Make(Reason::kCertificateUnavailable, certificate.error().message);
  const Status chain = chain_.Check(*certificate, {"sns.amazonaws.com", *host}, clock_.Now());
  if (!chain) {
    return Refused::Make(chain.error().code == ErrorCode::kUnavailable
                             ? Reason::kCertificateUnavailable
                             : Reason::kCertificateUntrusted,
                         fmt::format("{}: {}", url, chain.error().message));
  }
  const auto version = VersionOf(Text(message, "SignatureVersion"));
  if (!version) return Refused::Make(Reason::kSignature, "unknown SignatureVersion");
  const auto canonical = aws::SnsCanonicalString(message);
  if (!canonical) return Refused::Make(Reason::kMalformed, canonical.error().message);
  const Status signature =
      aws::VerifySnsSignature(*canonical, Text(message, "Signature"), *certificate, version);
  if (!signature) return Refused::Make(Reason::kSignature, signature.error().message);
  return nullptr;
}

std::unique_ptr<SnsHook::Refused> SnsHook::CheckAge(const json::object& message) const {
  const auto sent = ParseIso8601(Text(message, "Timestamp"));
  if (!sent) return Refused::Make(Reason::kMalformed, "Timestamp is not a date");
  const auto age = clock_.Now() - *sent;
  const std::chrono::nanoseconds age_max =
      std::min<std::chrono::nanoseconds>(options_.max_age, kAgeMax);
  if (age > age_max) {
    return Refused::Make(
        Reason::kTooOld,
        fmt::format("sent {} s ago, hooks.sns.max_age is {} s",
                    std::chrono::duration_cast<std::chrono::seconds>(age).count(),
                    std::chrono::duration_cast<std::chrono::seconds>(age_max).count()));
  }
  if (age < -std::chrono::nanoseconds(kAheadMax)) {
    return Refused::Make(Reason::kFromFuture, "Timestamp is ahead of this machine's clock");
  }
  return nullptr;
}

// The call is built from topic and token; the SubscribeURL of the message is never followed.
std::unique_ptr<SnsHook::Refused> SnsHook::Confirm(const json::object& message) {
  const std::string_view topic = Text(message, "TopicArn");
  const std::string_view token = Text(message, "Token");
  const auto host = SnsHostOf(topic);
  if (!host || token.empty() || token.size() > kTokenBytesMax) {
    return Refused::Make(Reason::kMalformed, "no topic or token to confirm");
  }
  net::HttpClient::Request request;
  request.url = fmt::format("https://{}/?Action=ConfirmSubscription&TopicArn={}&Token={}",
                            *host,
                            PercentEncode(topic),
                            PercentEncode(token));
  request.timeout = kConfirmTimeout;
  const auto response = client_.Send(request);
  if (!response) return Refused::Make(Reason::kConfirmationFailed, response.error().message);
  if (response->status != 200)
    return Refused::Make(Reason::kConfirmationFailed,
                         fmt::format("{} answered {}", *host, response->status));
  counters_->confirmed->Add();
  log::Info("hooks", "confirmed the subscription to {}", topic);
  return nullptr;
}

std::unique_ptr<SnsHook::Refused> SnsHook::Take(const net::HttpRequest& request,
                                                const json::object& message) {
  json::object sns;
  for (const std::string_view field : kKeptFields) {
    if (const json::value* v = message.if_contains(field)) sns[field] = *v;
  }
  sns["SignatureVersion"] = Text(message, "SignatureVersion");
  sns["SigningCertUrl"] = Text(message, "SigningCertURL");
  // The shape of a record as Lambda gets it, so that both ways give the same event.
  json::object record;
  record["EventSource"] = "aws:sns";
  record["EventVersion"] = "1.0";
  const std::string_view subscription = request.headers.Get("x-amz-sns-subscription-arn");
  if (!subscription.empty()) record["EventSubscriptionArn"] = ToValidUtf8(subscription);
  record["Sns"] = std::move(sns);

  RequestDefaults defaults;
  defaults.source = "sns";
  std::vector<pipelines::Log> logs;
  logs.push_back(Preprocess(std::move(record), defaults, clock_.Now()));
  Provenance provenance;
  provenance.verified = Verified::kSignature;
  provenance.door = Door::kSnsHook;
  const auto result = intake_.Ingest(std::move(logs), provenance);
  if (result) return nullptr;
  return Refused::Make(Reason::kStoreUnavailable, result.error().message);
}

net::HttpResponse SnsHook::Answer(const net::HttpRequest& request,
                                  const json::object& message,
                                  const Refused& refused) {
  const auto index = static_cast<std::size_t>(refused.reason);
  counters_->refused[index]->Add();
  Refusal kept;
  kept.at = clock_.Now();
  kept.reason = kReasonNames[index];
  kept.detail = refused.detail;
  kept.type = Text(message, "Type");
  kept.topic_arn = Text(message, "TopicArn");
  kept.message_id = Text(message, "MessageId");
  kept.peer_address = request.peer_address;
  log::Debug("hooks", "refused a delivery: {}: {}", kept.reason, kept.detail);
  refusals_.Add(std::move(kept));

  const int status = StatusOf(refused.reason);
  json::object body;
  body["reason"] = kReasonNames[index];
  body["detail"] = ToValidUtf8(refused.detail);
  net::HttpResponse response = net::JsonResponse(status, json::Serialize(body));
  if (status == 503) response.headers.Add("Retry-After", "5");
  return response;
}

}  // namespace postglass::intake
