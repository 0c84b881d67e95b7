#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "mail/delivery/carrier.h"
#include "mail/types.h"

// The mailbox simulator: addresses at simulator.amazonses.com whose mails meet a known fate. SES's
// five (SES Developer Guide, "Using the mailbox simulator") and some of ours.

namespace postglass::mail {

enum class Scenario {
  kSuccess,          // Delivery
  kBounce,           // Bounce Permanent/General, 550 5.1.1
  kOoto,             // Delivery, then the automatic reply as Bounce Transient/General
  kComplaint,        // Delivery, Complaint (abuse)
  kSuppressionList,  // Bounce Permanent/Suppressed, never sent
  kSoftBounce,       // Bounce Transient/General
  kMailboxFull,      // Bounce Transient/MailboxFull
  kDelay,            // DeliveryDelay, Delivery
  kDelayBounce,      // DeliveryDelay, Bounce Transient/General
  kOpen,             // Delivery, the mail is opened
  kClick,            // Delivery, opened, its first link followed
  kReject,           // Reject
  kSilent,           // nothing ever
};

// "bounce", "delay-bounce" …; nothing for other words.
std::optional<Scenario> ScenarioByName(std::string_view name);

// Which addresses play a scenario. A value; cheap to copy.
class ScenarioTable {
 public:
  // Only the simulator's own addresses.
  ScenarioTable() = default;

  // mail.scenarios: pattern → scenario. A pattern with '@' is matched against the address, one
  // without against its domain; '*' stands for any run of characters; the first match wins.
  // kInvalidArgument names the scenario that does not exist.
  struct Mapping {
    std::string pattern;
    std::string scenario;
  };

  static Result<ScenarioTable> Create(const std::vector<Mapping>& mappings);

  // Nothing: not an address of the simulator and not mapped. An unknown word at the simulator's
  // domain plays kSuccess. Labels ("bounce+label@") are left out of account.
  std::optional<Scenario> Find(std::string_view address) const;

 private:
  struct Entry {
    std::string pattern;
    Scenario scenario;
  };

  std::vector<Entry> entries_;
};

enum class Visit { kOpen, kClick };
// Plays the recipient: asks for the pixel, and for kClick then for the first tracked link, by real
// HTTP requests. May block for their time; runs on a worker of the spool. Must be thread-safe.
using Visitor = std::function<void(const Mail& mail, const std::string& recipient, Visit visit)>;

class ScenarioCarrier final : public Carrier {
 public:
  struct Options {
    std::string region = "us-east-1";                 // of feedback ids
    std::string suppression_sub_type = "Suppressed";  // or General, as seen by some in 2026
    double time_scale = 1;                            // of all waits; 0 plays at once
  };

  // `random` and `metrics` must outlive it; `visitor` may be empty.
  ScenarioCarrier(
      ScenarioTable table, Options options, Visitor visitor, Random& random, Metrics& metrics);

  bool Wants(const Mail& mail, std::size_t recipient) const;
  bool Plays(std::string_view address) const;  // whether mail to it is simulated
  Timestamp FirstDue(const Mail& mail, std::size_t recipient) const override;
  void Carry(CarryJob job, std::function<void(Progress)> done) override;

 private:
  std::chrono::nanoseconds Wait(const Mail& mail, Scenario scenario, std::uint32_t step) const;

  const ScenarioTable table_;
  const Options options_;
  const Visitor visitor_;
  Random& random_;
  Counter& delivered_;
  Counter& bounced_;
  Counter& delayed_;
  Counter& other_;
};

}  // namespace postglass::mail
