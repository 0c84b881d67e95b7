#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"
#include "cloudwatch/metric_store.h"
#include "mail/configuration_set.h"
#include "mail/ses_error.h"

namespace postglass::mail {

// The account's switch for sending, its quotas, and its counters. Thread-safe.
//
// The switch is kept in Settings (kind "mail_account"), the counters by quarters of an hour in
// memory and by minutes in `history` (namespace Postglass/SES), from which a restart takes them
// again: a crash forgets the last second of them.
class AccountState {
 public:
  struct Quotas {
    double max_24_hour_send = -1;  // recipients; negative: no limit, as SES says it
    double max_send_rate = 0;      // recipients a second; zero: no limit
  };

  struct DataPoint {  // of 15 minutes
    Timestamp at;
    std::int64_t delivery_attempts = 0;
    std::int64_t bounces = 0;
    std::int64_t complaints = 0;
    std::int64_t rejects = 0;
  };
  enum class Admission { kYes, kRateExceeded, kQuotaExceeded };

  // All must outlive it. Without a history the counters begin at nothing.
  static Result<std::unique_ptr<AccountState>> Load(Quotas quotas,
                                                    Settings& settings,
                                                    const Clock& clock,
                                                    cloudwatch::MetricStore* history = nullptr);

  bool sending_enabled() const;
  [[nodiscard]] SesOutcome SetSendingEnabled(bool enabled);

  // What callers said of the account, kept to be shown again: JSON text, empty when they did not.
  enum class Said { kDetails, kVdm };
  std::string said(Said what) const;
  [[nodiscard]] SesOutcome Say(Said what, std::string json_text);

  const Quotas& quotas() const { return quotas_; }

  double SentLast24Hours() const;

  // Takes the recipients of one message from rate and quota, or neither. `simulated` of them are
  // at the mailbox simulator and leave the quota alone.
  Admission Admit(std::size_t recipients, std::size_t simulated);
  // Counts an event about `recipients` recipients for the statistics.
  void Count(EventType type, std::size_t recipients);
  // Oldest first; only those with something in them; 14 days.
  std::vector<DataPoint> Statistics() const;

 private:
  static constexpr std::size_t kSlotsADay = 96;  // 15 minutes each
  static constexpr std::size_t kSlots = 14 * kSlotsADay;

  struct Slot {
    std::int64_t number = -1;  // quarters of an hour since 1970
    std::int64_t sent = 0;     // against the quota
    DataPoint point;
  };

  // What is counted; an index of kCounted.
  enum class Counted { kQuota, kDeliveryAttempts, kBounces, kComplaints, kRejects };

  AccountState(Quotas quotas,
               Settings& settings,
               const Clock& clock,
               cloudwatch::MetricStore* history);

  static std::int64_t& CountOf(Slot& slot, Counted counted);
  void Recall();
  void Remember(Counted counted, std::int64_t count) EXCLUDES(mutex_);
  Slot& SlotAt(std::int64_t number) REQUIRES(mutex_);
  Slot& CurrentSlot() REQUIRES(mutex_);
  double SentLast24HoursLocked() const REQUIRES(mutex_);

  const Quotas quotas_;
  Settings& settings_;
  const Clock& clock_;
  cloudwatch::MetricStore* const history_;
  mutable Mutex mutex_;
  bool sending_enabled_ GUARDED_BY(mutex_) = true;
  std::array<std::string, 2> said_ GUARDED_BY(mutex_);  // by Said
  double tokens_ GUARDED_BY(mutex_);
  std::chrono::nanoseconds refilled_at_ GUARDED_BY(mutex_);
  std::vector<Slot> slots_ GUARDED_BY(mutex_);
};

}  // namespace postglass::mail
