#include "mail/delivery/waiting_mails.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace postglass::mail {
namespace {

// A worker looks at the clock at least so often: wall clocks jump.
constexpr std::chrono::nanoseconds kLookAgain = std::chrono::seconds(1);

// Nothing when all recipients are done.
std::optional<Timestamp> EarliestDue(const std::vector<RecipientState>& states) {
  std::optional<Timestamp> earliest;
  for (const RecipientState& state : states) {
    if (!state.done && (!earliest || state.due < *earliest)) earliest = state.due;
  }
  return earliest;
}

}  // namespace

WaitingMails::WaitingMails(Limits limits, Gauge& waiting) : limits_(limits), gauge_(waiting) {}

WaitingMails::Hold::Hold(WaitingMails& mails, journal::Sequence floor) : mails_(mails) {
  MutexLock lock(mails_.mutex_);
  at_ = mails_.holds_.insert(floor);
}

WaitingMails::Hold::~Hold() {
  MutexLock lock(mails_.mutex_);
  mails_.holds_.erase(at_);
}

void WaitingMails::Add(MailSequence origin,
                       journal::Sequence location,
                       std::shared_ptr<const Mail> mail,
                       std::vector<RecipientState> states,
                       Timestamp now) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    const auto old = entries_.find(origin);
    if (old != entries_.end()) Remove(old);
    const std::optional<Timestamp> due = EarliestDue(states);
    if (!due) return;
    Entry& entry = entries_[origin];
    entry.location = location;
    entry.states = std::move(states);
    locations_.emplace(location, origin);
    if (mail && body_bytes_ + mail->raw.size() <= limits_.body_bytes_max) {
      entry.body_bytes = mail->raw.size();
      entry.mail = std::move(mail);
      body_bytes_ += entry.body_bytes;
    }
    wake = Schedule(origin, entry, *due, now);
    gauge_.Set(static_cast<double>(entries_.size()));
  }
  if (wake) changed_.NotifyOne();
}

void WaitingMails::Erase(MailSequence origin) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(origin);
  if (at != entries_.end()) Remove(at);
}

void WaitingMails::Update(MailSequence origin, std::vector<RecipientState> states, Timestamp now) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(origin);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  CHECK(!entry.taken);
  const std::optional<Timestamp> due = EarliestDue(states);
  if (!due) return Remove(at);
  due_.erase({entry.due, origin});
  entry.states = std::move(states);
  if (Schedule(origin, entry, *due, now)) changed_.NotifyOne();
}

std::optional<WaitingMails::Taken> WaitingMails::TakeDue(Timestamp now) {
  MutexLock lock(mutex_);
  return TakeDueLocked(now);
}

std::optional<WaitingMails::Taken> WaitingMails::WaitDue(const Clock& clock) {
  std::optional<Taken> taken;
  bool wake_next = false;
  {
    MutexLock lock(mutex_);
    while (!stopped_) {
      const Timestamp now = clock.Now();
      taken = TakeDueLocked(now);
      const bool may_take = !due_.empty() && taken_ < limits_.taken_max;
      if (taken) {
        wake_next = workers_.Took(may_take && due_.begin()->first <= now);
        break;
      }
      std::chrono::nanoseconds wait = kLookAgain;
      if (may_take) wait = std::min(wait, due_.begin()->first - now);
      workers_.BeginWait();
      changed_.WaitFor(mutex_, wait);
      workers_.EndWait();
    }
  }
  if (wake_next) changed_.NotifyOne();
  return taken;
}

void WaitingMails::Stop() {
  MutexLock lock(mutex_);
  stopped_ = true;
  changed_.NotifyAll();
}

void WaitingMails::WaitIdle() {
  MutexLock lock(mutex_);
  while (taken_ > 0) idle_.Wait(mutex_);
}

void WaitingMails::Finish(MailSequence origin, std::vector<RecipientState> states, Timestamp now) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(origin);
  CHECK(at != entries_.end() && at->second.taken);
  Entry& entry = at->second;
  GiveBack(entry);
  const std::optional<Timestamp> due = EarliestDue(states);
  if (!due) return Remove(at);
  entry.states = std::move(states);
  entry.unsaved.clear();
  if (Schedule(origin, entry, *due, now)) changed_.NotifyOne();
}

void WaitingMails::Postpone(MailSequence origin, Timestamp until) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(origin);
  CHECK(at != entries_.end() && at->second.taken);
  GiveBack(at->second);
  for (RecipientState& state : at->second.states) {
    if (!state.done && state.due < until) state.due = until;
  }
  if (Schedule(origin, at->second, until, until)) changed_.NotifyOne();
}

void WaitingMails::KeepUnsaved(MailSequence origin,
                               std::vector<RecipientState> states,
                               std::string record,
                               Timestamp until) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(origin);
  CHECK(at != entries_.end() && at->second.taken);
  GiveBack(at->second);
  at->second.states = std::move(states);
  at->second.unsaved = std::move(record);
  if (Schedule(origin, at->second, until, until)) changed_.NotifyOne();
}

std::vector<WaitingMails::Taken> WaitingMails::TakeBefore(journal::Sequence location,
                                                          std::size_t count_max) {
  MutexLock lock(mutex_);
  std::vector<Taken> taken;
  for (const auto& [at, origin] : locations_) {
    if (at >= location || taken.size() >= count_max) break;
    const auto entry = entries_.find(origin);
    // An unsaved outcome is not in `states` on disk: a copy would have to carry its events too.
    if (entry->second.taken || !entry->second.unsaved.empty()) continue;
    due_.erase({entry->second.due, origin});
    taken.push_back(Take(entry));
  }
  return taken;
}

void WaitingMails::Moved(MailSequence origin, journal::Sequence location) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(origin);
  CHECK(at != entries_.end() && at->second.taken);
  Entry& entry = at->second;
  locations_.erase({entry.location, origin});
  entry.location = location;
  locations_.emplace(location, origin);
  GiveBack(entry);
  if (Schedule(origin, entry, entry.due, entry.due)) changed_.NotifyOne();
}

std::size_t WaitingMails::CountBefore(journal::Sequence location) const {
  MutexLock lock(mutex_);
  return static_cast<std::size_t>(
      std::distance(locations_.begin(), locations_.lower_bound({location, 0})));
}

std::optional<journal::Sequence> WaitingMails::OldestLocation() const {
  MutexLock lock(mutex_);
  std::optional<journal::Sequence> oldest;
  if (!locations_.empty()) oldest = locations_.begin()->first;
  if (!holds_.empty()) oldest = std::min(oldest.value_or(*holds_.begin()), *holds_.begin());
  return oldest;
}

std::optional<Timestamp> WaitingMails::NextDue() const {
  MutexLock lock(mutex_);
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

std::size_t WaitingMails::size() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

std::uint64_t WaitingMails::body_bytes() const {
  MutexLock lock(mutex_);
  return body_bytes_;
}

bool WaitingMails::Schedule(MailSequence origin, Entry& entry, Timestamp due, Timestamp now) {
  entry.due = due;
  due_.emplace(due, origin);
  if (due - now > limits_.body_keep) DropBody(entry);
  return workers_.Added();
}

void WaitingMails::DropBody(Entry& entry) {
  body_bytes_ -= entry.body_bytes;
  entry.body_bytes = 0;
  entry.mail.reset();
}

void WaitingMails::Remove(Entries::iterator at) {
  Entry& entry = at->second;
  CHECK(!entry.taken);
  DropBody(entry);
  due_.erase({entry.due, at->first});
  locations_.erase({entry.location, at->first});
  entries_.erase(at);
  gauge_.Set(static_cast<double>(entries_.size()));
}

WaitingMails::Taken WaitingMails::Take(Entries::iterator at) {
  Entry& entry = at->second;
  entry.taken = true;
  ++taken_;
  return {at->first, entry.location, entry.mail, entry.states, entry.unsaved};
}

std::optional<WaitingMails::Taken> WaitingMails::TakeDueLocked(Timestamp now) {
  if (due_.empty() || due_.begin()->first > now || taken_ >= limits_.taken_max) return std::nullopt;
  const auto at = entries_.find(due_.begin()->second);
  due_.erase(due_.begin());
  return Take(at);
}

void WaitingMails::GiveBack(Entry& entry) {
  entry.taken = false;
  --taken_;
  if (taken_ == 0) idle_.NotifyAll();
  if (taken_ + 1 == limits_.taken_max) changed_.NotifyAll();
}

}  // namespace postglass::mail
