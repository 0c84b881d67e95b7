#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"
#include "mail/ses_error.h"
#include "mail/types.h"

namespace postglass::mail {

// SES's two reasons to suppress.
inline constexpr std::string_view kReasonBounce = "BOUNCE";
inline constexpr std::string_view kReasonComplaint = "COMPLAINT";

inline bool IsSuppressionReason(std::string_view reason) {
  return reason == kReasonBounce || reason == kReasonComplaint;
}

struct SuppressedDestination {
  std::string address;  // domain in lower case, local part as it is
  std::string reason;
  Timestamp updated_at;
  std::string message_id;   // of the mail that put it here; empty: a person did
  std::string feedback_id;  // of its event
  bool operator==(const SuppressedDestination&) const = default;
};

// The account's suppression list and the reasons that it is used for, BOUNCE and COMPLAINT unless
// changed: kept in Settings (kinds "suppressed_destination" and "mail_account"), read from memory.
// Thread-safe. A change is durable and visible to the next call when its call returns.
class SuppressionList {
 public:
  using Reasons = std::vector<std::string>;

  // `settings` and `clock` must outlive it. Documents that cannot be read are left out and logged.
  static Result<std::unique_ptr<SuppressionList>> Load(Settings& settings, const Clock& clock);

  std::optional<SuppressedDestination> Find(std::string_view address) const;

  struct Filter {
    Reasons reasons;  // empty: any
    std::optional<Timestamp> from;
    std::optional<Timestamp> to;
  };

  // By address, those behind `after` (empty: from the first), at most `count`.
  std::vector<SuppressedDestination> List(const Filter& filter,
                                          std::string_view after,
                                          std::size_t count) const;

  // Adds it or replaces reason and time. kInvalidParameter for what is no address; kLimitExceeded.
  // Without `updated_at` it is now.
  [[nodiscard]] SesOutcome Put(SuppressedDestination destination);
  [[nodiscard]] SesOutcome Remove(std::string_view address);  // kSuppressedDestinationDoesNotExist

  Reasons account_reasons() const;
  [[nodiscard]] SesOutcome SetAccountReasons(Reasons reasons);

  // Those of `recipients` that must not get mail. `set_reasons` are the configuration set's, which
  // replace the account's when there are any to replace them.
  std::vector<Mail::Suppression> Check(const std::vector<std::string>& recipients,
                                       const std::optional<Reasons>& set_reasons) const;

 private:
  using Map = std::map<std::string, SuppressedDestination, std::less<>>;

  SuppressionList(Settings& settings, const Clock& clock) : settings_(settings), clock_(clock) {}

  Settings& settings_;
  const Clock& clock_;
  Mutex writers_;  // held over the write to Settings, as in ConfigurationSets
  mutable Mutex mutex_;
  Map map_ GUARDED_BY(mutex_);
  Reasons account_reasons_ GUARDED_BY(mutex_) = {std::string(kReasonBounce),
                                                 std::string(kReasonComplaint)};
};

}  // namespace postglass::mail
