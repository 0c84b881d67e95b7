#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "mail/delivery/carrier.h"
#include "net/smtp.h"

namespace postglass::mail {

// Hands mails to an SMTP smart host. Its own reply, name, address and TLS version are in the
// events; what it does with the mail afterwards is not seen here.
//
// 2xx: Delivery. 5xx: Bounce at once, classified by bounce_class.h. 4xx, or no answer at all: tried
// again after the pauses of the options, each shortened or stretched by up to a tenth;
// DeliveryDelay on the attempts that ShowsDelay() names. When `life` is over: Bounce with what the
// host said last.
class RelayCarrier final : public Carrier {
 public:
  struct Options {
    net::SmtpTarget target;
    std::string region = "us-east-1";  // of feedback ids
    // After the first attempt, the second, …; the last holds from then on. Not empty.
    std::vector<std::chrono::milliseconds> pauses = DefaultPauses();
    std::chrono::milliseconds life = std::chrono::hours(14);  // SES's
    // Header fields to put in front of a message that leaves: its signature. Empty: none.
    // Thread-safe.
    std::function<std::string(const Mail&)> fields_in_front = {};
  };

  // All must outlive it.
  RelayCarrier(net::SmtpClient& client,
               const Clock& clock,
               Options options,
               Random& random,
               Metrics& metrics);

  Timestamp FirstDue(const Mail& mail, std::size_t recipient) const override;
  void Carry(CarryJob job, std::function<void(Progress)> done) override;

  // 1, 2, 5, 10, 20, 30, 40, 50 and 60 minutes.
  static std::vector<std::chrono::milliseconds> DefaultPauses();
  // The pause after the n-th attempt (from 1).
  std::chrono::milliseconds PauseAfter(std::uint32_t attempt) const;
  static bool ShowsDelay(std::uint32_t attempt);

 private:
  class Results;

  const Options options_;
  net::SmtpClient& client_;
  const Clock& clock_;
  Random& random_;
  Counter& delivered_;
  Counter& bounced_;
  Counter& delayed_;
};

}  // namespace postglass::mail
