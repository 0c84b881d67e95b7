#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock_testing.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"
#include "mail/account.h"
#include "mail/configuration_sets.h"
#include "mail/email_templates.h"
#include "mail/identities.h"
#include "mail/mail_service.h"
#include "mail/suppression_list.h"
#include "mail/types.h"
#include "topics/publisher.h"

// Fakes of what the mail service stands between, for tests here and in other folders.

namespace postglass::mail {

// Keeps what it is given in memory. Thread-safe.
class FakeSpool final : public Spool {
 public:
  Status Accept(Mail mail) override {
    MutexLock lock(mutex_);
    if (failure_) return Fail(*failure_);
    mails_.push_back(std::move(mail));
    return {};
  }

  Status Record(MailEvent event) override {
    MutexLock lock(mutex_);
    if (failure_) return Fail(*failure_);
    events_.push_back(std::move(event));
    return {};
  }

  // Every call fails with `failure` until it is called with nothing.
  void FailWith(std::optional<Error> failure) {
    MutexLock lock(mutex_);
    failure_ = std::move(failure);
  }

  std::vector<Mail> mails() const {
    MutexLock lock(mutex_);
    return mails_;
  }

  std::vector<MailEvent> events() const {
    MutexLock lock(mutex_);
    return events_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Mail> mails_ GUARDED_BY(mutex_);
  std::vector<MailEvent> events_ GUARDED_BY(mutex_);
  std::optional<Error> failure_ GUARDED_BY(mutex_);
};

// Knows the topics it was told of and keeps what is published. Answers at once. Thread-safe.
class FakeSesPublisher final : public topics::SesPublisher {
 public:
  void AddTopic(const std::string& arn,
                topics::PublishOutcome outcome = topics::PublishOutcome::kQueued) {
    MutexLock lock(mutex_);
    topics_[arn] = outcome;
  }

  void RemoveTopic(const std::string& arn) {
    MutexLock lock(mutex_);
    topics_.erase(arn);
  }

  void FailWith(std::optional<Error> failure) {
    MutexLock lock(mutex_);
    failure_ = std::move(failure);
  }

  void PublishAsync(topics::SesPublication publication, Done done) override {
    Result<topics::PublishOutcome> outcome = topics::PublishOutcome::kNoSuchTopic;
    {
      MutexLock lock(mutex_);
      const auto topic = topics_.find(publication.topic_arn);
      if (failure_) {
        outcome = Fail(*failure_);
      } else if (topic != topics_.end()) {
        outcome = topic->second;
        published_.push_back(std::move(publication));
      }
    }
    done(std::move(outcome));
  }

  Status CheckTopic(const std::string& topic_arn, const std::string&) const override {
    MutexLock lock(mutex_);
    const auto topic = topics_.find(topic_arn);
    if (topic == topics_.end()) return Fail(ErrorCode::kNotFound, "no such topic");
    if (topic->second == topics::PublishOutcome::kDenied) {
      return Fail(ErrorCode::kPermissionDenied, "denied by policy");
    }
    return {};
  }

  std::vector<topics::SesPublication> published() const {
    MutexLock lock(mutex_);
    return published_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, topics::PublishOutcome> topics_ GUARDED_BY(mutex_);
  std::vector<topics::SesPublication> published_ GUARDED_BY(mutex_);
  std::optional<Error> failure_ GUARDED_BY(mutex_);
};

// Writes what was wanted behind the message. Stateless.
class FakeTrackingRewriter final : public TrackingRewriter {
 public:
  std::string Rewrite(std::string raw,
                      const std::string& message_id,
                      const Wanted& wanted) const override {
    raw += "tracked ";
    if (wanted.opens) raw += "opens ";
    if (wanted.clicks) raw += "clicks ";
    return raw + message_id + "\r\n";
  }
};

// The whole core over fakes: us-east-1, account 123456789012, one topic.
struct MailWorld {
  struct Options {
    bool require_verified = false;
    bool sandbox = false;
    AccountState::Quotas quotas = {};
  };

  MailWorld() : MailWorld(Options{}) {}

  explicit MailWorld(Options options)
      : identities(std::move(*Identities::Load(
            {account, options.require_verified, options.sandbox}, settings, clock))),
        account_state(std::move(*AccountState::Load(options.quotas, settings, clock))) {
    publisher.AddTopic(topic_arn);
  }

  aws::Account account{"us-east-1", "123456789012"};
  std::string topic_arn = "arn:aws:sns:us-east-1:123456789012:mail-events";
  MemorySettings settings;
  ManualClock clock;
  SeededRandom random{1};
  Metrics metrics;
  FakeSesPublisher publisher;
  FakeSpool spool;
  FakeTrackingRewriter tracking;
  std::unique_ptr<ConfigurationSets> sets =
      std::move(*ConfigurationSets::Load({account, settings, publisher, clock, random}));
  std::unique_ptr<Identities> identities;
  std::unique_ptr<AccountState> account_state;
  std::unique_ptr<EmailTemplates> templates =
      std::move(*EmailTemplates::Load(account, settings, clock));
  std::unique_ptr<SuppressionList> suppression = std::move(*SuppressionList::Load(settings, clock));
  MailService service{MailService::Dependencies{account,
                                                *sets,
                                                *identities,
                                                *suppression,
                                                *account_state,
                                                spool,
                                                tracking,
                                                clock,
                                                random,
                                                metrics}};

  // A set with one enabled destination for `types` to the topic above.
  void MakeSet(const std::string& name, const std::vector<EventType>& types) {
    ConfigurationSet set;
    set.name = name;
    EventDestination destination{"events", true, {}, topic_arn};
    for (const EventType type : types) destination.matching.Add(type);
    set.destinations.push_back(std::move(destination));
    CHECK(!sets->Create(std::move(set)));
  }
};

}  // namespace postglass::mail
