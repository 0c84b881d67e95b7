#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/idle_workers.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "mail/delivery/carrier.h"
#include "mail/delivery/spool_record.h"
#include "mail/types.h"

namespace postglass::mail {

// The mails that are not finished, by when their next step is due: the memory of the spool. Knows
// nothing of files; the spool writes first and tells it afterwards. Thread-safe.
//
// A mail is either waiting or taken; who took it gives it back by exactly one of Finish, Postpone,
// KeepUnsaved and Moved. Bodies are held up to a budget; beyond it a mail is known by the place of
// its record alone.
class WaitingMails {
 public:
  struct Limits {
    std::uint64_t body_bytes_max = 64 << 20;  // of raw messages held in memory
    std::size_t taken_max = 512;              // mails taken at the same time
    // A mail whose next step is further away than this gives its body up.
    std::chrono::nanoseconds body_keep = std::chrono::seconds(30);
  };

  // `waiting` shows how many mails there are.
  WaitingMails(Limits limits, Gauge& waiting);

  // While one of these lives, OldestLocation() is at most `floor`: a record is being written there
  // that no mail stands for yet.
  class Hold {
   public:
    Hold(WaitingMails& mails, journal::Sequence floor);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    WaitingMails& mails_;
    std::multiset<journal::Sequence>::iterator at_;
  };

  struct Taken {
    MailSequence origin = 0;
    journal::Sequence location = 0;    // of the newest record that holds the mail
    std::shared_ptr<const Mail> mail;  // null: read it at `location`
    std::vector<RecipientState> states;
    std::string unsaved;  // an outcome that could not be written yet; `states` has it
  };

  // `mail` may be null. Replaces the same origin, which must not be taken.
  void Add(MailSequence origin,
           journal::Sequence location,
           std::shared_ptr<const Mail> mail,
           std::vector<RecipientState> states,
           Timestamp now);
  void Erase(MailSequence origin);  // also when it is not there
  // Replaces the states of a mail that is not taken, if it is there.
  void Update(MailSequence origin, std::vector<RecipientState> states, Timestamp now);

  // The mail that is due first, if one is due and taken_max is not reached.
  std::optional<Taken> TakeDue(Timestamp now);
  // The same, waiting for it; nothing once Stop() was called.
  std::optional<Taken> WaitDue(const Clock& clock);
  void Stop();
  // Blocks until nothing is taken.
  void WaitIdle();

  void Finish(MailSequence origin, std::vector<RecipientState> states, Timestamp now);
  void Postpone(MailSequence origin, Timestamp until);
  void KeepUnsaved(MailSequence origin,
                   std::vector<RecipientState> states,
                   std::string record,
                   Timestamp until);

  // Mails whose record is before `location` and that are waiting, `count_max` at most; now taken.
  std::vector<Taken> TakeBefore(journal::Sequence location, std::size_t count_max);
  // Gives a mail back; its record is now at `location`.
  void Moved(MailSequence origin, journal::Sequence location);

  std::size_t CountBefore(journal::Sequence location) const;
  // The oldest record that is still needed; nothing when none is.
  std::optional<journal::Sequence> OldestLocation() const;
  std::optional<Timestamp> NextDue() const;
  std::size_t size() const;
  std::uint64_t body_bytes() const;

 private:
  struct Entry {
    journal::Sequence location = 0;
    std::shared_ptr<const Mail> mail;
    std::uint64_t body_bytes = 0;
    std::vector<RecipientState> states;
    std::string unsaved;
    Timestamp due;
    bool taken = false;
  };

  using Entries = std::unordered_map<MailSequence, Entry>;

  // True: a worker has to be woken.
  [[nodiscard]] bool Schedule(MailSequence origin, Entry& entry, Timestamp due, Timestamp now)
      REQUIRES(mutex_);
  void DropBody(Entry& entry) REQUIRES(mutex_);
  void Remove(Entries::iterator at) REQUIRES(mutex_);
  Taken Take(Entries::iterator at) REQUIRES(mutex_);
  std::optional<Taken> TakeDueLocked(Timestamp now) REQUIRES(mutex_);
  void GiveBack(Entry& entry) REQUIRES(mutex_);

  const Limits limits_;
  Gauge& gauge_;
  mutable Mutex mutex_;
  CondVar changed_;
  IdleWorkers workers_ GUARDED_BY(mutex_);
  CondVar idle_;
  Entries entries_ GUARDED_BY(mutex_);
  std::set<std::pair<Timestamp, MailSequence>> due_ GUARDED_BY(mutex_);  // those not taken
  std::set<std::pair<journal::Sequence, MailSequence>> locations_ GUARDED_BY(mutex_);
  std::multiset<journal::Sequence> holds_ GUARDED_BY(mutex_);
  std::uint64_t body_bytes_ GUARDED_BY(mutex_) = 0;
  std::size_t taken_ GUARDED_BY(mutex_) = 0;
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace postglass::mail
