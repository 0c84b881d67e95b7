#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "intake/certificate_chain.h"
#include "intake/signing_certificates.h"
#include "net/http_client.h"
#include "pipelines/log.h"

namespace postglass::intake {

// Why a delivery is not believed or not taken. Names are labels of metrics: SnsReasonName.
enum class SnsReason {
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

inline constexpr std::size_t kSnsReasonsCount = 13;

std::string_view SnsReasonName(SnsReason reason);
// Whether the same delivery may be taken later.
bool MayPass(SnsReason reason);

struct SnsRefused {
  SnsReason reason;
  std::string detail;  // one line for the operator
};

// Believes a message of Amazon SNS, whichever way it came, when its topic is on the list, its
// certificate comes from Amazon SNS and leads to a trusted root, its signature matches, and it is
// not old. There is no option that leaves one of these out. Thread-safe.
class SnsVerifier {
 public:
  static constexpr std::chrono::minutes kAheadMax{15};  // clocks differ

  // A list of topics with the option it comes from, and how old a message may be.
  struct Options {
    std::vector<std::string> topics;  // ARNs; empty: nothing is believed
    std::chrono::nanoseconds age_max{};
    std::string topics_option;
    std::string age_option;  // empty: the age is not set by one
  };

  // All must outlive it. `client` fetches certificates.
  SnsVerifier(Options options,
              net::HttpClient& client,
              CertificateChainChecker& chain,
              const Clock& clock);

  // Nothing when `message` is genuine. Blocks while a certificate is fetched.
  std::optional<SnsRefused> Check(const json::object& message);

 private:
  std::optional<SnsRefused> CheckSignature(const json::object& message);
  std::optional<SnsRefused> CheckAge(const json::object& message) const;

  const Options options_;
  CertificateChainChecker& chain_;
  const Clock& clock_;
  SigningCertificates certificates_;
};

// A notification as a log, in the shape of a record as Lambda gets it, so that every way gives the
// same event. Only what the signature covers is in it, and where it came from: whoever relays a
// delivery could have changed the rest. `subscription_arn` may be empty.
pipelines::Log SnsLog(const json::object& message,
                      std::string_view subscription_arn,
                      Timestamp now);

}  // namespace postglass::intake
