#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "intake/certificate_chain.h"
#include "intake/intake.h"
#include "intake/refusals.h"
#include "intake/sns_verifier.h"
#include "net/http_client.h"

namespace postglass::intake {

// Fetches events from an SQS queue that Amazon SNS fills: the way in for those whom AWS cannot
// reach. A message leaves the queue only after its event is durable here; what is not believed
// stays, so that the queue's redrive policy keeps it. At least once: a message that comes again is
// recognised by the deduplication of the intake. docs/compat/intake.md
//
// One thread polls (JSON protocol of SQS, long polling, signed); Stop waits for a poll that is
// under way, kWait at most beside what a slow network adds.
class SqsSource {
 public:
  static constexpr int kMessagesMax = 10;          // [SQS] of one receive
  static constexpr std::chrono::seconds kWait{5};  // [SQS: up to 20] a stop should not wait longer
  static constexpr std::chrono::hours kAgeMax{15 * 24};  // a queue keeps messages for 14 days
  static constexpr std::chrono::seconds kFirstPause{1};  // after trouble; doubles …
  static constexpr std::chrono::seconds kLastPause{60};  // … up to this

  enum class Form {
    kEnvelope,  // SNS's, with a signature that is checked
    kRaw,       // raw message delivery: whoever may send to the queue is believed
  };

  struct Options {
    std::string queue_url;
    std::string endpoint;  // "https://sqs.eu-west-1.amazonaws.com"; empty: as in the queue's URL
    std::string region;    // empty: as in the queue's URL
    std::string access_key_id;
    std::string secret_access_key;
    std::vector<std::string> topics;  // as of /hooks/sns; not looked at in raw form
    Form form = Form::kEnvelope;
  };

  // Errors: kInvalidArgument, which names the option.
  static Status CheckOptions(const Options& options);

  // All must outlive it. Requires: CheckOptions(options).
  SqsSource(Options options,
            Intake& intake,
            net::HttpClient& client,
            CertificateChainChecker& chain,
            const Clock& clock,
            Metrics& metrics);
  ~SqsSource();

  void Start();
  void RequestStop();  // returns at once
  void Stop();         // returns when the thread has ended

  // One receive, and what follows from it: how long to pause before the next. For the thread, and
  // for tests instead of it.
  std::chrono::milliseconds PollOnce();

  // Why nothing can be fetched or kept at the moment; empty when all is well. Thread-safe.
  std::string trouble() const;

  std::vector<Refusal> Refusals() const { return refusals_.Newest(); }

 private:
  struct Counters;
  struct Received;

  void Run(const std::stop_token& stop);
  Result<json::object> Call(std::string_view action, const json::object& body);
  Result<std::vector<Received>> Receive();
  // The log of a message; nothing when it is refused, which is noted.
  std::optional<pipelines::Log> Read(const Received& message);
  void Refuse(const Received& message, const json::object& envelope, const SnsRefused& refused);
  void Delete(const std::vector<Received>& messages);
  std::chrono::milliseconds Troubled(std::string reason);
  void SetTrouble(std::string reason) EXCLUDES(mutex_);

  const Options options_;
  const std::string url_;  // of every call
  const std::string region_;
  Intake& intake_;
  net::HttpClient& client_;
  const Clock& clock_;
  SnsVerifier verifier_;
  RefusalLog refusals_;
  std::unique_ptr<Counters> counters_;
  std::chrono::milliseconds pause_{};  // the last one; zero when all is well
  mutable Mutex mutex_;
  CondVar wake_;
  std::string trouble_ GUARDED_BY(mutex_);
  std::jthread thread_;
};

}  // namespace postglass::intake
