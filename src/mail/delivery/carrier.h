#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "mail/types.h"

// How a mail leaves: scenarios, the capture and the relay are carriers; the spool asks one what
// becomes of each recipient, keeps the answer, and asks again when the next step is due.

namespace postglass::mail {

// How far one recipient of a mail is. Kept in the spool's journal between steps.
struct RecipientState {
  std::uint32_t step = 0;  // scenario: steps done; relay: attempts made
  bool done = false;       // nothing more will happen
  Timestamp due;           // of the next step; meaningless when done
  bool operator==(const RecipientState&) const = default;
};

struct CarriedEvent {
  EventDetail detail;
  std::vector<MessageTag> extra_tags;
};

// What came of one step.
struct Progress {
  std::vector<CarriedEvent> events;

  struct Change {
    std::size_t recipient = 0;  // index in Mail::recipients
    RecipientState state;
  };

  std::vector<Change> changes;  // one for each recipient that was asked for
  // Set when nothing could be done at all (the capture's disk is full): ask again then. Events and
  // changes are empty; nothing is written.
  std::optional<Timestamp> try_again_at;
};

struct CarryJob {
  std::shared_ptr<const Mail> mail;

  struct Due {
    std::size_t recipient = 0;
    RecipientState state;
  };

  std::vector<Due> due;  // at least one
  Timestamp now;
};

// Thread-safe.
class Carrier {
 public:
  virtual ~Carrier() = default;
  // When the first step for a recipient is due. A pure function of mail and recipient: it is asked
  // again after a restart.
  virtual Timestamp FirstDue(const Mail& mail, std::size_t recipient) const = 0;
  // Takes the step. May block (a relay's dialogue). Calls `done` exactly once, before or after it
  // returns, on any thread. A step may be asked for again after a crash.
  virtual void Carry(CarryJob job, std::function<void(Progress)> done) = 0;
};

// Sends each recipient to the first of two carriers that wants it.
class CarrierRouter final : public Carrier {
 public:
  using Wants = std::function<bool(const Mail& mail, std::size_t recipient)>;

  // Both carriers must outlive the router. `wants` must be pure.
  CarrierRouter(Wants wants, Carrier& first, Carrier& otherwise)
      : wants_(std::move(wants)), first_(first), otherwise_(otherwise) {}

  Timestamp FirstDue(const Mail& mail, std::size_t recipient) const override;
  void Carry(CarryJob job, std::function<void(Progress)> done) override;

 private:
  Wants wants_;
  Carrier& first_;
  Carrier& otherwise_;
};

// postglass_mail_delivery_attempts_total{mode,result}: recipients by what one attempt came to.
Counter& AttemptCounter(Metrics& metrics, std::string_view mode, std::string_view result);

}  // namespace postglass::mail
