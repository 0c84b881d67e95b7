#include "mail/delivery/recent_mails.h"

#include <utility>

namespace postglass::mail {
namespace {

std::uint64_t Bytes(const EventSubject& subject) {
  return subject.message_id.size() + subject.configuration_set.size() + subject.mail_object.size();
}

}  // namespace

RecentMails::RecentMails(Limits limits, MailLookup* fallback)
    : limits_(limits), fallback_(fallback) {}

void RecentMails::Add(const Mail& mail) {
  EventSubject subject{mail.message_id, mail.configuration_set, mail.mail_object};
  const std::uint64_t bytes = Bytes(subject);
  MutexLock lock(mutex_);
  if (!mails_.emplace(mail.message_id, std::move(subject)).second) return;
  order_.push_back(mail.message_id);
  bytes_ += bytes;
  while (!order_.empty() && (order_.size() > limits_.mails_max || bytes_ > limits_.bytes_max)) {
    const auto oldest = mails_.find(order_.front());
    bytes_ -= Bytes(oldest->second);
    mails_.erase(oldest);
    order_.pop_front();
  }
}

std::optional<EventSubject> RecentMails::Find(const std::string& message_id) {
  {
    MutexLock lock(mutex_);
    const auto found = mails_.find(message_id);
    if (found != mails_.end()) return found->second;
  }
  return fallback_ == nullptr ? std::nullopt : fallback_->Find(message_id);
}

}  // namespace postglass::mail
