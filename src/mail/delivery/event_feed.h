#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/secret_box.h"
#include "journal/journal.h"
#include "mail/types.h"

namespace postglass::mail {

// Reads the spool's journal in order and hands every event in it to the publisher: at least once,
// under a key that is the same each time. The place up to which all are taken is a cursor of the
// journal.
//
// One thread at a time calls it. Order is that of the journal until a
// publication fails; then reading stops, and the failed ones are tried again in their order.
class EventFeed {
 public:
  struct Options {
    std::size_t window = 1024;  // events handed over and not yet answered
    std::chrono::nanoseconds backoff_first = std::chrono::milliseconds(100);
    std::chrono::nanoseconds backoff_max = std::chrono::seconds(30);
  };

  // `journal`, `publisher`, `clock` and `metrics` must outlive it. Answers of the publisher may
  // come after its end.
  EventFeed(const journal::Journal& journal,
            const SecretBox& box,
            EventPublisher& publisher,
            const Clock& clock,
            Metrics& metrics,
            Options options,
            journal::Sequence after);
  ~EventFeed();

  // Hands over what can be handed over now. False when there was nothing to do.
  bool Step();
  // Blocks until an answer came or `limit` passed; not at all when nothing is on its way.
  void WaitAnswer(std::chrono::nanoseconds limit);

  journal::Sequence read_to() const { return read_to_; }

  // All before and with this are published.
  journal::Sequence published() const;
  // Read to the durable end, and every answer came.
  bool idle() const;
  bool retrying() const;  // reading or publishing failed and waits for its next try

 private:
  struct Pending {
    MailEvent event;
    std::string key;
    journal::Sequence sequence = 0;
    std::size_t index = 0;  // within the record
  };
  struct Answers;

  void Read(const journal::Record& record);
  void Publish(std::shared_ptr<Pending> pending);
  bool Retry();
  void ReadFailed(const Error& error);
  void BackOff(std::string_view why);

  const journal::Journal& journal_;
  const SecretBox box_;
  EventPublisher& publisher_;
  const Clock& clock_;
  Metrics& metrics_;
  const Options options_;
  Counter& unreadable_;
  std::shared_ptr<Answers> answers_;  // shared with callbacks on their way
  std::unique_ptr<journal::Journal::Reader> reader_;
  journal::Sequence read_to_;
  bool read_failed_ = false;
  std::chrono::nanoseconds backoff_{0};
  std::chrono::nanoseconds retry_at_{0};  // monotonic; 0: no failure since the last try
};

}  // namespace postglass::mail
