#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/mutex.h"
#include "mail/types.h"

namespace postglass::mail {

// The subjects of the mails accepted last, so that the first opens and clicks find theirs without
// a search; older ones are asked of `fallback`. Thread-safe.
class RecentMails final : public MailLookup {
 public:
  struct Limits {
    std::size_t mails_max = 50'000;
    std::uint64_t bytes_max = 64 << 20;  // of the subjects' texts
  };

  // `fallback` may be null; else it must outlive this.
  RecentMails(Limits limits, MailLookup* fallback);

  void Add(const Mail& mail);
  std::optional<EventSubject> Find(const std::string& message_id) override;

 private:
  const Limits limits_;
  MailLookup* const fallback_;
  Mutex mutex_;
  std::unordered_map<std::string, EventSubject> mails_ GUARDED_BY(mutex_);
  std::deque<std::string> order_ GUARDED_BY(mutex_);  // oldest first
  std::uint64_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace postglass::mail
