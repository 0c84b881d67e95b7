#include "mail/account.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kKind = "mail_account";
constexpr std::string_view kKey = "account";
constexpr std::array<std::string_view, 2> kSaidKeys = {"details", "vdm"};  // by Said
constexpr std::int64_t kSlotMillis = std::int64_t{15} * 60 * 1000;
// A message of 50 recipients must pass at once though the rate is one a second.
constexpr double kBurstRecipients = 50;

constexpr std::chrono::minutes kSlotTime{15};

// The series of the history, by Counted.
constexpr std::string_view kNamespace = "Postglass/SES";
constexpr std::array<std::string_view, 5> kCounted = {
    "QuotaUsed", "DeliveryAttempts", "Bounces", "Complaints", "Rejects"};

std::int64_t SlotNumber(Timestamp t) { return t.millis() / kSlotMillis; }

}  // namespace

AccountState::AccountState(Quotas quotas,
                           Settings& settings,
                           const Clock& clock,
                           cloudwatch::MetricStore* history)
    : quotas_(quotas),
      settings_(settings),
      clock_(clock),
      history_(history),
      tokens_(std::max(quotas.max_send_rate, kBurstRecipients)),
      refilled_at_(clock.Monotonic()),
      slots_(kSlots) {}

Result<std::unique_ptr<AccountState>> AccountState::Load(Quotas quotas,
                                                         Settings& settings,
                                                         const Clock& clock,
                                                         cloudwatch::MetricStore* history) {
  std::unique_ptr<AccountState> account(new AccountState(quotas, settings, clock, history));
  ASSIGN_OR_RETURN(const std::optional<std::string> document, settings.Get(kKind, kKey));
  if (document) {
    // A document that cannot be read leaves sending on: the default.
    if (const Result<json::object> object = json::ParseObject(*document)) {
      MutexLock lock(account->mutex_);
      account->sending_enabled_ = json::GetBool(*object, "sending_enabled").value_or(true);
    }
  }
  for (std::size_t i = 0; i < kSaidKeys.size(); ++i) {
    ASSIGN_OR_RETURN(std::optional<std::string> said, settings.Get(kKind, kSaidKeys[i]));
    if (!said) continue;
    MutexLock lock(account->mutex_);
    account->said_[i] = std::move(*said);
  }
  account->Recall();
  return account;
}

std::int64_t& AccountState::CountOf(Slot& slot, Counted counted) {
  switch (counted) {
    case Counted::kDeliveryAttempts:
      return slot.point.delivery_attempts;
    case Counted::kBounces:
      return slot.point.bounces;
    case Counted::kComplaints:
      return slot.point.complaints;
    case Counted::kRejects:
      return slot.point.rejects;
    case Counted::kQuota:
      break;
  }
  return slot.sent;
}

void AccountState::Recall() {
  if (history_ == nullptr) return;
  const std::int64_t now = SlotNumber(clock_.Now());
  const auto slots = static_cast<std::int64_t>(kSlots);
  const Timestamp from = Timestamp::FromMillis((now - slots + 1) * kSlotMillis);
  const Timestamp to = Timestamp::FromMillis((now + 1) * kSlotMillis);
  for (std::size_t i = 0; i < kCounted.size(); ++i) {
    const cloudwatch::MetricId id{std::string(kNamespace), std::string(kCounted[i]), {}};
    const auto points = history_->Read(id, from, to, kSlotTime);
    MutexLock lock(mutex_);
    for (const cloudwatch::DataPoint& point : points) {
      CountOf(SlotAt(SlotNumber(point.begin)), static_cast<Counted>(i)) +=
          static_cast<std::int64_t>(point.statistics.sum);
    }
  }
}

void AccountState::Remember(Counted counted, std::int64_t count) {
  if (history_ == nullptr || count == 0) return;
  const auto value = static_cast<double>(count);
  // Refused only beyond the most series and points; then the statistics are as old as the process.
  const Status kept = history_->Add(
      {std::string(kNamespace), std::string(kCounted[static_cast<std::size_t>(counted)]), {}},
      clock_.Now(),
      {1, value, value, value},
      "Count");
  static_cast<void>(kept.has_value());
}

std::string AccountState::said(Said what) const {
  MutexLock lock(mutex_);
  return said_[static_cast<std::size_t>(what)];
}

SesOutcome AccountState::Say(Said what, std::string json_text) {
  const auto index = static_cast<std::size_t>(what);
  const Status written = settings_.Put(kKind, kSaidKeys[index], json_text);
  if (SesOutcome failed = FromWrite(written)) return failed;
  MutexLock lock(mutex_);
  said_[index] = std::move(json_text);
  return std::nullopt;
}

bool AccountState::sending_enabled() const {
  MutexLock lock(mutex_);
  return sending_enabled_;
}

SesOutcome AccountState::SetSendingEnabled(bool enabled) {
  const Status written =
      settings_.Put(kKind, kKey, json::Serialize(json::object{{"sending_enabled", enabled}}));
  if (SesOutcome failed = FromWrite(written)) return failed;
  MutexLock lock(mutex_);
  sending_enabled_ = enabled;
  return std::nullopt;
}

AccountState::Slot& AccountState::CurrentSlot() { return SlotAt(SlotNumber(clock_.Now())); }

AccountState::Slot& AccountState::SlotAt(std::int64_t number) {
  Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
  if (slot.number != number) {
    slot = Slot{};
    slot.number = number;
    slot.point.at = Timestamp::FromMillis(number * kSlotMillis);
  }
  return slot;
}

double AccountState::SentLast24HoursLocked() const {
  const std::int64_t now = SlotNumber(clock_.Now());
  std::int64_t sent = 0;
  for (std::size_t back = 0; back < kSlotsADay; ++back) {
    const std::int64_t number = now - static_cast<std::int64_t>(back);
    const Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
    if (slot.number == number) sent += slot.sent;
  }
  return static_cast<double>(sent);
}

double AccountState::SentLast24Hours() const {
  MutexLock lock(mutex_);
  return SentLast24HoursLocked();
}

AccountState::Admission AccountState::Admit(std::size_t recipients, std::size_t simulated) {
  const auto wanted = static_cast<double>(recipients);
  const auto counted = static_cast<double>(recipients - simulated);
  const auto quota = static_cast<std::int64_t>(recipients - simulated);
  {
    MutexLock lock(mutex_);
    if (quotas_.max_send_rate > 0) {
      const std::chrono::nanoseconds now = clock_.Monotonic();
      const double seconds = std::chrono::duration<double>(now - refilled_at_).count();
      tokens_ = std::min(std::max(quotas_.max_send_rate, kBurstRecipients),
                         tokens_ + seconds * quotas_.max_send_rate);
      refilled_at_ = now;
      if (tokens_ < wanted) return Admission::kRateExceeded;
    }
    if (quotas_.max_24_hour_send >= 0 &&
        SentLast24HoursLocked() + counted > quotas_.max_24_hour_send) {
      return Admission::kQuotaExceeded;
    }
    if (quotas_.max_send_rate > 0) tokens_ -= wanted;
    CurrentSlot().sent += quota;
  }
  Remember(Counted::kQuota, quota);
  return Admission::kYes;
}

void AccountState::Count(EventType type, std::size_t recipients) {
  Counted counted = Counted::kQuota;
  switch (type) {
    case EventType::kSend:
      counted = Counted::kDeliveryAttempts;
      break;
    case EventType::kBounce:
      counted = Counted::kBounces;
      break;
    case EventType::kComplaint:
      counted = Counted::kComplaints;
      break;
    case EventType::kReject:
      counted = Counted::kRejects;
      break;
    default:
      return;
  }
  const auto count = static_cast<std::int64_t>(recipients);
  {
    MutexLock lock(mutex_);
    CountOf(CurrentSlot(), counted) += count;
  }
  Remember(counted, count);
}

std::vector<AccountState::DataPoint> AccountState::Statistics() const {
  std::vector<DataPoint> points;
  MutexLock lock(mutex_);
  const std::int64_t now = SlotNumber(clock_.Now());
  for (std::size_t back = kSlots; back-- > 0;) {
    const std::int64_t number = now - static_cast<std::int64_t>(back);
    const Slot& slot = slots_[static_cast<std::size_t>(number) % kSlots];
    const DataPoint& point = slot.point;
    if (slot.number != number) continue;
    if (point.delivery_attempts + point.bounces + point.complaints + point.rejects > 0) {
      points.push_back(point);
    }
  }
  return points;
}

}  // namespace postglass::mail
