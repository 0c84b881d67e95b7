#include "intake/sns_verifier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/sns_signature.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "intake/preprocess.h"

namespace postglass::intake {
namespace {

constexpr std::array<std::string_view, kSnsReasonsCount> kReasonNames = {"too_large",
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

// The fields that the signature covers.
constexpr std::array<std::string_view, 6> kKeptFields = {
    "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"};

std::string_view Text(const json::object& o, std::string_view name) {
  return json::GetString(o, name).value_or(std::string_view());
}

std::optional<aws::SnsSignatureVersion> VersionOf(std::string_view text) {
  if (text == "1") return aws::SnsSignatureVersion::kSha1;
  if (text == "2") return aws::SnsSignatureVersion::kSha256;
  return std::nullopt;
}

SnsRefused Refuse(SnsReason reason, std::string detail) { return {reason, std::move(detail)}; }

}  // namespace

std::string_view SnsReasonName(SnsReason reason) {
  return kReasonNames[static_cast<std::size_t>(reason)];
}

bool MayPass(SnsReason reason) {
  return reason == SnsReason::kCertificateUnavailable || reason == SnsReason::kConfirmationFailed ||
         reason == SnsReason::kStoreUnavailable;
}

SnsVerifier::SnsVerifier(Options options,
                         net::HttpClient& client,
                         CertificateChainChecker& chain,
                         const Clock& clock)
    : options_(std::move(options)), chain_(chain), clock_(clock), certificates_(client, clock) {}

std::optional<SnsRefused> SnsVerifier::Check(const json::object& message) {
  const std::string_view topic = Text(message, "TopicArn");
  if (std::find(options_.topics.begin(), options_.topics.end(), topic) == options_.topics.end()) {
    return Refuse(
        SnsReason::kTopicNotAllowed,
        fmt::format(
            "the topic {} is not on the list: add it to {}", topic, options_.topics_option));
  }
  if (auto refused = CheckSignature(message)) return refused;
  return CheckAge(message);
}

std::optional<SnsRefused> SnsVerifier::CheckSignature(const json::object& message) {
  const std::string url(Text(message, "SigningCertURL"));
  const auto host = CheckSigningCertificateUrl(url);
  if (!host) return Refuse(SnsReason::kCertificateUrl, host.error().message);
  const auto certificate = certificates_.Get(url);
  if (!certificate) return Refuse(SnsReason::kCertificateUnavailable, certificate.error().message);
  const Status chain = chain_.Check(*certificate, {"sns.amazonaws.com", *host}, clock_.Now());
  if (!chain) {
    return Refuse(chain.error().code == ErrorCode::kUnavailable ? SnsReason::kCertificateUnavailable
                                                                : SnsReason::kCertificateUntrusted,
                  fmt::format("{}: {}", url, chain.error().message));
  }
  const auto version = VersionOf(Text(message, "SignatureVersion"));
  if (!version) return Refuse(SnsReason::kSignature, "unknown SignatureVersion");
  const auto canonical = aws::SnsCanonicalString(message);
  if (!canonical) return Refuse(SnsReason::kMalformed, canonical.error().message);
  const Status signature =
      aws::VerifySnsSignature(*canonical, Text(message, "Signature"), *certificate, version);
  if (!signature) return Refuse(SnsReason::kSignature, signature.error().message);
  return std::nullopt;
}

std::optional<SnsRefused> SnsVerifier::CheckAge(const json::object& message) const {
  const auto sent = ParseIso8601(Text(message, "Timestamp"));
  if (!sent) return Refuse(SnsReason::kMalformed, "Timestamp is not a date");
  const auto age = clock_.Now() - *sent;
  if (age > options_.age_max) {
    const auto seconds = [](std::chrono::nanoseconds time) {
      return std::chrono::duration_cast<std::chrono::seconds>(time).count();
    };
    return Refuse(SnsReason::kTooOld,
                  fmt::format("sent {} s ago, {} is {} s",
                              seconds(age),
                              options_.age_option.empty() ? "the longest" : options_.age_option,
                              seconds(options_.age_max)));
  }
  if (age < -std::chrono::nanoseconds(kAheadMax)) {
    return Refuse(SnsReason::kFromFuture, "Timestamp is ahead of this machine's clock");
  }
  return std::nullopt;
}

pipelines::Log SnsLog(const json::object& message,
                      std::string_view subscription_arn,
                      Timestamp now) {
  json::object sns;
  for (const std::string_view field : kKeptFields) {
    if (const json::value* v = message.if_contains(field)) sns[field] = *v;
  }
  sns["SignatureVersion"] = Text(message, "SignatureVersion");
  sns["SigningCertUrl"] = Text(message, "SigningCertURL");
  json::object record;
  record["EventSource"] = "aws:sns";
  record["EventVersion"] = "1.0";
  if (!subscription_arn.empty()) record["EventSubscriptionArn"] = ToValidUtf8(subscription_arn);
  record["Sns"] = std::move(sns);
  RequestDefaults defaults;
  defaults.source = "sns";
  return Preprocess(std::move(record), defaults, now);
}

}  // namespace postglass::intake
