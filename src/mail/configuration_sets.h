#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "base/settings.h"
#include "mail/configuration_set.h"
#include "mail/ses_error.h"
#include "streams/record_sink.h"
#include "topics/publisher.h"

namespace postglass::mail {

// The configuration sets of the account: kept in Settings (kind "configuration_set"), read from
// memory. Thread-safe. A change is durable and visible to the next call when its call returns.
class ConfigurationSets {
 public:
  struct Dependencies {
    aws::Account account;
    Settings& settings;
    topics::SesPublisher& publisher;
    const Clock& clock;
    Random& random;
    const streams::RecordSink* streams = nullptr;  // null: no stream is there
  };

  // All dependencies must outlive it. A document that cannot be read is left out, logged and
  // counted in `unreadable`; it does not stop the start.
  static Result<std::unique_ptr<ConfigurationSets>> Load(const Dependencies& dependencies,
                                                         int* unreadable = nullptr);

  // Null when there is none. The set is a snapshot: later changes make a new one.
  std::shared_ptr<const ConfigurationSet> Find(std::string_view name) const;
  std::vector<std::string> Names() const;  // ascending

  // Destinations may come with the set; each is checked as in CreateDestination().
  [[nodiscard]] SesOutcome Create(ConfigurationSet set);
  [[nodiscard]] SesOutcome Delete(const std::string& name);
  // Runs `change` on a copy of the set and stores it unless `change` refuses. `change` must not
  // touch name or destinations.
  [[nodiscard]] SesOutcome Update(const std::string& name,
                                  const std::function<SesOutcome(ConfigurationSet&)>& change);

  // SES checks the topic and publishes a plain-text test message to it before it keeps the
  // destination, on creation and on change.
  [[nodiscard]] SesOutcome CreateDestination(const std::string& set, EventDestination destination);
  [[nodiscard]] SesOutcome UpdateDestination(const std::string& set, EventDestination destination);
  [[nodiscard]] SesOutcome DeleteDestination(const std::string& set, const std::string& name);

  // arn:aws:ses:REGION:ACCOUNT:configuration-set/NAME
  std::string ArnOf(std::string_view set) const;

 private:
  using Sets = std::map<std::string, std::shared_ptr<const ConfigurationSet>, std::less<>>;

  explicit ConfigurationSets(const Dependencies& dependencies) : on_(dependencies) {}

  std::shared_ptr<const Sets> snapshot() const;
  // Both with writers_ held.
  SesOutcome Store(const ConfigurationSet& set);
  SesOutcome Replace(const std::string& name, std::shared_ptr<const ConfigurationSet> set);
  SesOutcome CheckDestination(const std::string& set, const EventDestination& destination) const;
  SesOutcome CheckMetrics(const EventDestination& destination) const;
  SesOutcome PublishTestMessage(const std::string& set, const EventDestination& destination) const;

  const Dependencies on_;
  // Makes read-change-write of one document atomic. It is held over the write to Settings: changes
  // are rare, and readers never wait for it.
  Mutex writers_;
  mutable Mutex mutex_;
  std::shared_ptr<const Sets> sets_ GUARDED_BY(mutex_) = std::make_shared<Sets>();
};

// Letters, digits, '_' and '-', at most 64 of them: names of sets and of event destinations.
bool IsSesName(std::string_view name);

}  // namespace postglass::mail
