#include "mail/suppression_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/identities.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kKind = "suppressed_destination";
constexpr std::string_view kAccountKind = "mail_account";
constexpr std::string_view kAccountKey = "suppression";

std::string Encode(const SuppressedDestination& destination) {
  return json::Serialize(json::object{{"reason", destination.reason},
                                      {"updated_ms", destination.updated_at.millis()},
                                      {"message_id", destination.message_id},
                                      {"feedback_id", destination.feedback_id}});
}

Result<SuppressedDestination> Decode(const Settings::Document& document) {
  ASSIGN_OR_RETURN(const json::object object, json::ParseObject(document.json));
  SuppressedDestination destination;
  destination.address = document.key;
  destination.reason = json::GetStringOr(object, "reason", "");
  if (!IsSuppressionReason(destination.reason)) {
    return Fail(ErrorCode::kCorruption, "suppressed destination without a reason");
  }
  destination.updated_at = Timestamp::FromMillis(json::GetInt(object, "updated_ms").value_or(0));
  destination.message_id = json::GetStringOr(object, "message_id", "");
  destination.feedback_id = json::GetStringOr(object, "feedback_id", "");
  return destination;
}

bool Contains(const SuppressionList::Reasons& reasons, std::string_view reason) {
  return std::find(reasons.begin(), reasons.end(), reason) != reasons.end();
}

bool Matches(const SuppressionList::Filter& filter, const SuppressedDestination& destination) {
  if (!filter.reasons.empty() && !Contains(filter.reasons, destination.reason)) return false;
  if (filter.from && destination.updated_at < *filter.from) return false;
  return !filter.to || destination.updated_at <= *filter.to;
}

}  // namespace

Result<std::unique_ptr<SuppressionList>> SuppressionList::Load(Settings& settings,
                                                               const Clock& clock) {
  std::unique_ptr<SuppressionList> list(new SuppressionList(settings, clock));
  ASSIGN_OR_RETURN(const std::vector<Settings::Document> documents, settings.List(kKind));
  ASSIGN_OR_RETURN(const std::optional<std::string> account,
                   settings.Get(kAccountKind, kAccountKey));
  MutexLock lock(list->mutex_);
  for (const Settings::Document& document : documents) {
    Result<SuppressedDestination> destination = Decode(document);
    if (!destination) {
      log::Error("mail",
                 "a suppressed destination cannot be read and is left out: {}",
                 destination.error().message);
      continue;
    }
    list->map_.insert_or_assign(document.key, std::move(*destination));
  }
  const Result<json::object> object =
      account ? json::ParseObject(*account) : Result<json::object>(json::object());
  const json::array* reasons = object ? json::GetArray(*object, "reasons") : nullptr;
  if (reasons != nullptr) {
    list->account_reasons_.clear();
    for (const json::value& reason : *reasons) {
      if (reason.is_string()) list->account_reasons_.emplace_back(reason.as_string());
    }
  }
  return list;
}

std::optional<SuppressedDestination> SuppressionList::Find(std::string_view address) const {
  const std::string key = NormalizeIdentity(address);
  MutexLock lock(mutex_);
  const auto it = map_.find(key);
  return it == map_.end() ? std::nullopt : std::optional(it->second);
}

std::vector<SuppressedDestination> SuppressionList::List(const Filter& filter,
                                                         std::string_view after,
                                                         std::size_t count) const {
  std::vector<SuppressedDestination> found;
  MutexLock lock(mutex_);
  auto it = after.empty() ? map_.begin() : map_.upper_bound(after);
  for (; it != map_.end() && found.size() < count; ++it) {
    if (Matches(filter, it->second)) found.push_back(it->second);
  }
  return found;
}

SesOutcome SuppressionList::Put(SuppressedDestination destination) {
  const Result<Mailbox> mailbox = ParseMailbox(destination.address);
  if (!mailbox || mailbox->text != mailbox->address) {
    return SesError{SesError::Kind::kInvalidParameter,
                    fmt::format("Invalid email address <{}>.", ToValidUtf8(destination.address))};
  }
  destination.address = NormalizeIdentity(mailbox->address);
  if (destination.updated_at == Timestamp{}) destination.updated_at = clock_.Now();
  MutexLock writing(writers_);
  {
    MutexLock lock(mutex_);
    if (map_.size() >= kSuppressedDestinationsMax && !map_.contains(destination.address)) {
      return SesError{SesError::Kind::kLimitExceeded,
                      fmt::format("The suppression list cannot have more than {} addresses.",
                                  kSuppressedDestinationsMax)};
    }
  }
  const Status written = settings_.Put(kKind, destination.address, Encode(destination));
  if (SesOutcome failed = FromWrite(written)) return failed;
  MutexLock lock(mutex_);
  std::string key = destination.address;
  map_.insert_or_assign(std::move(key), std::move(destination));
  return std::nullopt;
}

SesOutcome SuppressionList::Remove(std::string_view address) {
  const std::string key = NormalizeIdentity(address);
  MutexLock writing(writers_);
  if (!Find(key)) {
    return SesError{SesError::Kind::kSuppressedDestinationDoesNotExist,
                    fmt::format("Email address {} does not exist on your suppression list.",
                                ToValidUtf8(address))};
  }
  if (SesOutcome failed = FromWrite(settings_.Remove(kKind, key))) return failed;
  MutexLock lock(mutex_);
  map_.erase(key);
  return std::nullopt;
}

SuppressionList::Reasons SuppressionList::account_reasons() const {
  MutexLock lock(mutex_);
  return account_reasons_;
}

SesOutcome SuppressionList::SetAccountReasons(Reasons reasons) {
  json::array kept;
  for (const std::string& reason : reasons) kept.emplace_back(reason);
  MutexLock writing(writers_);
  const Status written = settings_.Put(
      kAccountKind, kAccountKey, json::Serialize(json::object{{"reasons", std::move(kept)}}));
  if (SesOutcome failed = FromWrite(written)) return failed;
  MutexLock lock(mutex_);
  account_reasons_ = std::move(reasons);
  return std::nullopt;
}

std::vector<Mail::Suppression> SuppressionList::Check(
    const std::vector<std::string>& recipients, const std::optional<Reasons>& set_reasons) const {
  std::vector<Mail::Suppression> suppressed;
  MutexLock lock(mutex_);
  if (map_.empty()) return suppressed;
  const Reasons& reasons = set_reasons ? *set_reasons : account_reasons_;
  for (std::size_t i = 0; i < recipients.size(); ++i) {
    const auto it = map_.find(NormalizeIdentity(recipients[i]));
    if (it != map_.end() && Contains(reasons, it->second.reason)) {
      suppressed.push_back({i, it->second.reason});
    }
  }
  return suppressed;
}

}  // namespace postglass::mail
