#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "intake/certificate_chain.h"
#include "intake/intake.h"
#include "intake/refusals.h"
#include "intake/sns_verifier.h"
#include "net/http.h"
#include "net/http_client.h"

namespace postglass::intake {

// POST /hooks/sns: HTTPS deliveries of the real Amazon SNS. What SnsVerifier does not believe is
// refused, counted by reason and kept for look-up. Thread-safe. docs/compat/intake.md
class SnsHook {
 public:
  static constexpr std::size_t kBodyBytesMax = 1 << 20;  // an SNS message has at most 256 KiB
  static constexpr std::chrono::hours kAgeMax{24};       // max_age may be shorter, not longer

  struct Options {
    std::vector<std::string> topics;  // ARNs; empty: every delivery is refused
    std::chrono::milliseconds max_age = kAgeMax;
  };

  // All must outlive the hook. `client` confirms subscriptions and fetches certificates.
  SnsHook(Options options,
          Intake& intake,
          net::HttpClient& client,
          CertificateChainChecker& chain,
          const Clock& clock,
          Metrics& metrics);
  ~SnsHook();

  // Blocks until the event is durable. 200 taken, 4xx refused (SNS does not send it again), 503 try
  // again (certificate not reachable, confirmation failed, store unavailable).
  net::HttpResponse Handle(const net::HttpRequest& request);

  std::vector<Refusal> Refusals() const { return refusals_.Newest(); }

 private:
  struct Counters;

  std::optional<SnsRefused> Check(const net::HttpRequest& request, json::object& message);
  std::optional<SnsRefused> Confirm(const json::object& message);
  std::optional<SnsRefused> Take(const net::HttpRequest& request, const json::object& message);
  net::HttpResponse Answer(const net::HttpRequest& request,
                           const json::object& message,
                           const SnsRefused& refused);

  Intake& intake_;
  net::HttpClient& client_;
  const Clock& clock_;
  SnsVerifier verifier_;
  RefusalLog refusals_;
  std::unique_ptr<Counters> counters_;
};

}  // namespace postglass::intake
