#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "mail/types.h"

namespace postglass {

// Watches how full the disk of the data directory is: an alarm first, then a stop, so that queries,
// settings and recovery keep room to work. Asks the file system at most once a second, when it is
// asked itself. Thread-safe.
class DiskGuard {
 public:
  struct Limits {
    std::int64_t warn_percent = 80;
    std::int64_t stop_percent = 90;
  };

  // All must outlive it.
  DiskGuard(const FileSystem& fs, const Clock& clock, Metrics& metrics, Path path, Limits limits);

  // kDiskFull above the stop limit; the message names the directory and what is missing. OK when
  // the file system does not say how full it is.
  Status MayWrite();
  // For people: empty below the alarm.
  std::string Warning();

 private:
  struct State {
    std::int64_t used_percent = 0;
    std::uint64_t missing_bytes = 0;  // to get below the stop limit
    bool known = false;
  };

  State Current() EXCLUDES(mutex_);

  const FileSystem& fs_;
  const Clock& clock_;
  const Path path_;
  const Limits limits_;
  Gauge& used_percent_;
  Mutex mutex_;
  State state_ GUARDED_BY(mutex_);
  std::chrono::nanoseconds asked_at_ GUARDED_BY(mutex_){-std::chrono::hours(1)};
};

// A spool that takes no new mail while the disk is too full.
class GuardedSpool final : public mail::Spool {
 public:
  GuardedSpool(mail::Spool& spool, DiskGuard& guard) : spool_(spool), guard_(guard) {}

  Status Accept(mail::Mail mail) override;
  void AcceptAsync(mail::Mail mail, std::function<void(Status)> done) override;
  Status Record(mail::MailEvent event) override;

 private:
  mail::Spool& spool_;
  DiskGuard& guard_;
};

}  // namespace postglass
