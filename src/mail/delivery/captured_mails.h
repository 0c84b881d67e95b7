#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/secret_box.h"
#include "journal/journal.h"
#include "mail/types.h"

namespace postglass::mail {

struct CapturedMail {
  std::string message_id;
  Timestamp captured_at;
  std::string source;
  std::vector<std::string> recipients;  // those that were captured
  std::string subject;
  std::uint64_t raw_bytes = 0;
  std::string raw;  // the message; empty in lists
};

// The mails that would have left: sealed, in a journal of their own, the oldest removed first.
// Thread-safe.
//
// Removal works in whole files: what is too old is not shown any more at once, its bytes go with
// the file it lies in.
class CapturedMails {
 public:
  struct Options {
    std::chrono::hours retention{7 * 24};        // capture.retention
    std::uint64_t bytes_max = 1ull << 30;        // capture.bytes_max, on disk
    std::uint64_t file_bytes_max = 16ull << 20;  // the grain of removal
    journal::Durability durability = journal::Durability::kFsync;
    std::chrono::milliseconds commit_spacing{0};  // of the journal
  };

  // Errors: those of Journal::Open. All references must outlive it.
  static Result<std::unique_ptr<CapturedMails>> Open(FileSystem& fs,
                                                     const Clock& clock,
                                                     Metrics& metrics,
                                                     const SecretBox& box,
                                                     const Path& dir,
                                                     Options options);

  // Keeps the mail as far as it goes to `recipients`; `done` when it is durable, from another
  // thread. Errors: those of Journal::AppendAsync.
  void Add(const Mail& mail,
           const std::vector<std::string>& recipients,
           std::function<void(Status)> done);

  // Newest first, without `raw`. Reads as many records from disk: `limit` is cut to 1,000.
  Result<std::vector<CapturedMail>> List(std::size_t limit) const;
  // kNotFound: never captured here, or removed since.
  Result<CapturedMail> Get(const std::string& message_id) const;

  // Removes what is too old or too much. Called now and then by Add; tests call it.
  void Trim();

  std::uint64_t size_bytes() const { return journal_->size_bytes(); }

  const journal::Journal& journal() const { return *journal_; }

 private:
  CapturedMails(const Clock& clock, Metrics& metrics, const SecretBox& box, Options options);

  Timestamp Cutoff() const;
  Result<CapturedMail> Read(journal::Sequence sequence) const;
  // The first record written at `t` or later; durable+1 when there is none.
  Result<journal::Sequence> FirstSince(Timestamp t) const;
  void Remember(const std::string& message_id, journal::Sequence sequence);

  const Clock& clock_;
  const SecretBox box_;
  const Options options_;
  Gauge& bytes_;
  Counter& mails_;
  mutable Mutex mutex_;
  // Where the newest mails are; older ones are found by the time in their message id.
  std::unordered_map<std::string, journal::Sequence> places_ GUARDED_BY(mutex_);
  std::deque<std::string> order_ GUARDED_BY(mutex_);
  std::chrono::nanoseconds trimmed_at_ GUARDED_BY(mutex_){0};
  std::unique_ptr<journal::Journal> journal_;  // last: its callbacks use the members above
};

}  // namespace postglass::mail
