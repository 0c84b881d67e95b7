#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "mail/event_json.h"
#include "mail/types.h"

// Fakes for tests of the spool and of those who use it.

namespace postglass::mail {

inline Mail TestMail(int number, std::vector<std::string> recipients, Timestamp accepted_at) {
  Mail mail;
  std::string digits = std::to_string(number);
  digits.insert(0, 12 - digits.size(), '0');
  mail.message_id = "0100018c8f6c3d2e-123e4567-e89b-42d3-a456-" + digits + "-000000";
  mail.accepted_at = accepted_at;
  mail.source = "Alice <alice@example.com>";
  mail.envelope_from = "alice@example.com";
  mail.recipients = std::move(recipients);
  mail.subject = "Reset your password";
  mail.configuration_set = "default";
  mail.mail_object = "{\"messageId\":\"" + mail.message_id + "\",\"tags\":{\"a\":[\"b\"]}}";
  mail.raw = "Subject: Reset your password\r\n\r\nHello " + std::string(200, 'x') + "\r\n";
  return mail;
}

// Remembers what was published; can be told to fail. Thread-safe.
class RecordingPublisher final : public EventPublisher {
 public:
  struct Published {
    std::string key;
    MailEvent event;

    std::string type() const { return std::string(EventTypeName(event.detail)); }
  };

  void PublishAsync(const MailEvent& event,
                    std::string key,
                    std::function<void(Status)> done) override {
    bool fails = false;
    {
      MutexLock lock(mutex_);
      fails = failures_left_ > 0;
      if (fails) {
        --failures_left_;
      } else {
        published_.push_back({std::move(key), event});
      }
    }
    done(fails ? Status(Fail(ErrorCode::kUnavailable, "told to fail")) : Status());
  }

  void FailNext(int count) {
    MutexLock lock(mutex_);
    failures_left_ = count;
  }

  std::vector<Published> published() const {
    MutexLock lock(mutex_);
    return published_;
  }

  // Types of the events of one mail, each key once, in order.
  std::vector<std::string> TypesOf(const std::string& message_id) const {
    std::vector<std::string> types;
    std::map<std::string, bool> seen;
    for (const Published& p : published()) {
      if (p.event.subject.message_id != message_id || seen[p.key]) continue;
      seen[p.key] = true;
      types.push_back(p.type());
    }
    return types;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Published> published_ GUARDED_BY(mutex_);
  int failures_left_ GUARDED_BY(mutex_) = 0;
};

}  // namespace postglass::mail
