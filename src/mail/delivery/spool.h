#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/result.h"
#include "base/secret_box.h"
#include "journal/journal.h"
#include "mail/delivery/carrier.h"
#include "mail/delivery/event_feed.h"
#include "mail/delivery/recent_mails.h"
#include "mail/delivery/waiting_mails.h"
#include "mail/types.h"

namespace postglass::mail {

// Keeps accepted mails in a journal, has them carried out, and publishes every event about them.
//
// What holds: Accept() and Record() return OK only when their record is synced; from then on the
// mail is carried until each recipient is done, and its events are published, over any number of
// crashes. A step whose outcome was not written yet is taken again after a crash (a relay may get
// the mail twice); an event is published at least once, always under the same key. Records are
// sealed. What is no longer needed goes file by file; the few live mails of an old file are written
// again so that it can.
//
// Threads: callers of Accept and Record; `workers` threads for the carrier; one for publishing.
// Tests use none of its own threads (Options::workers = 0) and drive it by the *Now() calls.
class DeliverySpool final : public Spool {
 public:
  struct Options {
    int workers = 8;                      // how many relay dialogues at a time
    std::size_t waiting_max = 1'000'000;  // mails not finished; above: kUnavailable
    WaitingMails::Limits memory = {};
    EventFeed::Options feed = {};
    // One file: the grain in which finished mails leave the disk.
    std::uint64_t file_bytes_max = 8 << 20;
    std::uint64_t compact_bytes = 32 << 20;  // a journal larger than this is looked through
    std::size_t compact_mails_max = 256;     // written again in one pass
    journal::Durability durability = journal::Durability::kFsync;
    std::chrono::nanoseconds save_backoff_first = std::chrono::milliseconds(250);
    std::chrono::nanoseconds save_backoff_max = std::chrono::seconds(30);
  };

  // Opens the journal in `dir` and takes up every unfinished mail. All references must outlive the
  // spool; `recent` may be null. Call Start() then. Errors: those of Journal::Open.
  static Result<std::unique_ptr<DeliverySpool>> Open(FileSystem& fs,
                                                     const Clock& clock,
                                                     Metrics& metrics,
                                                     const SecretBox& box,
                                                     const Path& dir,
                                                     Carrier& carrier,
                                                     EventPublisher& publisher,
                                                     RecentMails* recent,
                                                     Options options);
  ~DeliverySpool() override;  // Stop()

  void Start();
  // Takes no more mail, ends what is being carried, joins. Unfinished mails go on at the next
  // start.
  void Stop();

  Status Accept(Mail mail) override;
  // `done` is called by the journal's commit thread, or by this one when nothing is written.
  void AcceptAsync(Mail mail, std::function<void(Status)> done) override;
  Status Record(MailEvent event) override;

  // What the journal's recovery set aside; for /readyz and the log.
  const journal::Recovery& recovery() const { return recovery_; }

  journal::Journal::Health health() const { return journal_->health(); }

  std::string health_reason() const { return journal_->health_reason(); }

  std::size_t waiting() const { return waiting_.size(); }

  std::uint64_t size_bytes() const { return journal_->size_bytes(); }

  // For tests with workers = 0. Takes every step that is due, those that become due by it included;
  // returns how many.
  std::size_t CarryNow();
  // Publishes what can be published; false when some of it failed and waits for its next try.
  bool PublishNow();
  // Saves the cursor, writes live mails of old files again, trims.
  void MaintainNow();

  std::optional<Timestamp> NextDue() const { return waiting_.NextDue(); }

 private:
  DeliverySpool(const Clock& clock,
                Metrics& metrics,
                const SecretBox& box,
                Carrier& carrier,
                EventPublisher& publisher,
                RecentMails* recent,
                Options options);

  Status Recover();
  void Recovered(journal::Sequence sequence, SpoolRecord record);
  // The record at `sequence` is durable: the mail may be carried.
  void Accepted(journal::Sequence sequence, std::shared_ptr<const Mail> mail);
  std::vector<RecipientState> FirstStates(const Mail& mail) const;
  Result<std::shared_ptr<const Mail>> Load(journal::Sequence location) const;
  void Carry(WaitingMails::Taken taken);
  void Carried(const WaitingMails::Taken& taken, const Mail& mail, Progress progress);
  void Save(MailSequence origin, std::vector<RecipientState> states, std::string record);
  void MaintainWhenDue();
  void Compact();
  void RunWorker();
  void RunFeed(std::stop_token stop);
  std::chrono::nanoseconds SaveBackoff();

  const Clock& clock_;
  Metrics& metrics_;
  const SecretBox box_;
  Carrier& carrier_;
  EventPublisher& publisher_;
  RecentMails* const recent_;
  const Options options_;
  Counter& steps_done_;
  Counter& steps_postponed_;
  Counter& saves_failed_;
  Counter& unreadable_;
  WaitingMails waiting_;
  std::unique_ptr<journal::Journal> journal_;
  journal::Recovery recovery_;
  std::unique_ptr<EventFeed> feed_;
  journal::Sequence saved_cursor_ = 0;
  // Of the publishing thread: when, and up to where the events were published.
  std::chrono::nanoseconds maintained_at_{0};
  journal::Sequence maintained_to_ = 0;
  std::atomic<int> saves_failing_ = 0;  // in a row
  std::atomic<bool> stopped_ = false;
  std::vector<std::thread> workers_;
  std::jthread feeder_;
};

}  // namespace postglass::mail
