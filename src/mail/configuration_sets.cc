#include "mail/configuration_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "aws/arn.h"
#include "base/encoding.h"
#include "base/log.h"
#include "mail/event_metrics.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kKind = "configuration_set";
constexpr std::string_view kTestMessage =
    "Successfully validated SNS topic for Amazon SES event publishing.";
// The outbox commits within milliseconds; this is for a disk that hangs.
constexpr std::chrono::seconds kPublishWait{10};

SesError SetMissing(std::string_view name) {
  return {SesError::Kind::kSetDoesNotExist,
          fmt::format("Configuration set <{}> does not exist.", name)};
}

SesError DestinationMissing(std::string_view name) {
  return {SesError::Kind::kDestinationDoesNotExist,
          fmt::format("No EventDestination found for {}", name)};
}

SesError TopicMissing(std::string_view arn) {
  return {SesError::Kind::kInvalidSnsDestination, fmt::format("SNS topic <{}> not found.", arn)};
}

SesError TopicDenied(std::string_view arn) {
  return {SesError::Kind::kInvalidSnsDestination,
          fmt::format("Could not publish to SNS topic <{}>", arn)};
}

SesOutcome CheckSetName(std::string_view name) {
  if (IsSesName(name)) return std::nullopt;
  return SesError{SesError::Kind::kInvalidSet,
                  name.empty() ? std::string("Configuration set name must be specified.")
                               : fmt::format("Invalid configuration set name <{}>: only "
                                             "alphanumeric ASCII characters, '_', and '-' are "
                                             "allowed, at most {} of them.",
                                             name,
                                             kConfigurationSetNameMax)};
}

// Lets one thread wait for what another reports.
class Answer {
 public:
  void Set(Result<topics::PublishOutcome> outcome) {
    MutexLock lock(mutex_);
    outcome_ = std::move(outcome);
    arrived_.NotifyAll();
  }

  std::optional<Result<topics::PublishOutcome>> Wait(std::chrono::nanoseconds limit) {
    MutexLock lock(mutex_);
    while (!outcome_) {
      if (!arrived_.WaitFor(mutex_, limit)) break;
    }
    return outcome_;
  }

 private:
  Mutex mutex_;
  CondVar arrived_;
  std::optional<Result<topics::PublishOutcome>> outcome_ GUARDED_BY(mutex_);
};

}  // namespace

bool IsSesName(std::string_view name) {
  return !name.empty() && name.size() <= kConfigurationSetNameMax &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-';
         });
}

Result<std::unique_ptr<ConfigurationSets>> ConfigurationSets::Load(const Dependencies& dependencies,
                                                                   int* unreadable) {
  std::unique_ptr<ConfigurationSets> sets(new ConfigurationSets(dependencies));
  ASSIGN_OR_RETURN(const std::vector<Settings::Document> documents,
                   dependencies.settings.List(kKind));
  auto loaded = std::make_shared<Sets>();
  for (const Settings::Document& document : documents) {
    Result<ConfigurationSet> set = DecodeConfigurationSet(document.json);
    if (!set) {
      log::Error("mail",
                 "configuration set {} cannot be read and is left out: {}",
                 document.key,
                 set.error().message);
      if (unreadable != nullptr) ++*unreadable;
      continue;
    }
    loaded->insert_or_assign(document.key,
                             std::make_shared<const ConfigurationSet>(std::move(*set)));
  }
  MutexLock lock(sets->mutex_);
  sets->sets_ = std::move(loaded);
  return sets;
}

std::shared_ptr<const ConfigurationSets::Sets> ConfigurationSets::snapshot() const {
  MutexLock lock(mutex_);
  return sets_;
}

std::shared_ptr<const ConfigurationSet> ConfigurationSets::Find(std::string_view name) const {
  const std::shared_ptr<const Sets> sets = snapshot();
  const auto it = sets->find(name);
  return it == sets->end() ? nullptr : it->second;
}

std::vector<std::string> ConfigurationSets::Names() const {
  const std::shared_ptr<const Sets> sets = snapshot();
  std::vector<std::string> names;
  names.reserve(sets->size());
  for (const auto& entry : *sets) names.push_back(entry.first);
  return names;
}

std::string ConfigurationSets::ArnOf(std::string_view set) const {
  return fmt::format(
      "arn:aws:ses:{}:{}:configuration-set/{}", on_.account.region, on_.account.account_id, set);
}

SesOutcome ConfigurationSets::Store(const ConfigurationSet& set) {
  return Replace(set.name, std::make_shared<const ConfigurationSet>(set));
}

SesOutcome ConfigurationSets::Replace(const std::string& name,
                                      std::shared_ptr<const ConfigurationSet> set) {
  const Status written = set ? on_.settings.Put(kKind, name, EncodeConfigurationSet(*set))
                             : on_.settings.Remove(kKind, name);
  if (SesOutcome failed = FromWrite(written)) return failed;
  auto changed = std::make_shared<Sets>(*snapshot());
  if (set) {
    changed->insert_or_assign(name, std::move(set));
  } else {
    changed->erase(name);
  }
  MutexLock lock(mutex_);
  sets_ = std::move(changed);
  return std::nullopt;
}

SesOutcome ConfigurationSets::Create(ConfigurationSet set) {
  if (SesOutcome bad = CheckSetName(set.name)) return bad;
  MutexLock lock(writers_);
  const std::shared_ptr<const Sets> sets = snapshot();
  if (sets->find(set.name) != sets->end()) {
    return SesError{SesError::Kind::kSetAlreadyExists,
                    fmt::format("Configuration set <{}> already exists.", set.name)};
  }
  if (sets->size() >= kConfigurationSetsMax) {
    return SesError{
        SesError::Kind::kLimitExceeded,
        fmt::format("Cannot have more than {} configuration sets.", kConfigurationSetsMax)};
  }
  for (const EventDestination& destination : set.destinations) {
    if (SesOutcome bad = CheckDestination(set.name, destination)) return bad;
    if (SesOutcome failed = PublishTestMessage(set.name, destination)) return failed;
  }
  if (set.created_at == Timestamp{}) set.created_at = on_.clock.Now();
  return Store(set);
}

SesOutcome ConfigurationSets::Delete(const std::string& name) {
  MutexLock lock(writers_);
  if (!Find(name)) return SetMissing(name);
  return Replace(name, nullptr);
}

SesOutcome ConfigurationSets::Update(const std::string& name,
                                     const std::function<SesOutcome(ConfigurationSet&)>& change) {
  MutexLock lock(writers_);
  const std::shared_ptr<const ConfigurationSet> found = Find(name);
  if (!found) return SetMissing(name);
  ConfigurationSet set = *found;
  if (SesOutcome refused = change(set)) return refused;
  return set == *found ? std::nullopt : Store(set);
}

SesOutcome ConfigurationSets::CreateDestination(const std::string& set,
                                                EventDestination destination) {
  MutexLock lock(writers_);
  const std::shared_ptr<const ConfigurationSet> found = Find(set);
  if (!found) return SetMissing(set);
  if (found->FindDestination(destination.name) != nullptr) {
    return SesError{SesError::Kind::kDestinationAlreadyExists,
                    fmt::format("An EventDestination already exists for {}", destination.name)};
  }
  if (found->destinations.size() >= kEventDestinationsMax) {
    return SesError{SesError::Kind::kLimitExceeded,
                    fmt::format("Cannot have more than {} event destinations in one "
                                "configuration set.",
                                kEventDestinationsMax)};
  }
  if (SesOutcome bad = CheckDestination(set, destination)) return bad;
  if (SesOutcome failed = PublishTestMessage(set, destination)) return failed;
  ConfigurationSet changed = *found;
  changed.destinations.push_back(std::move(destination));
  return Store(changed);
}

SesOutcome ConfigurationSets::UpdateDestination(const std::string& set,
                                                EventDestination destination) {
  MutexLock lock(writers_);
  const std::shared_ptr<const ConfigurationSet> found = Find(set);
  if (!found) return SetMissing(set);
  if (found->FindDestination(destination.name) == nullptr) {
    return DestinationMissing(destination.name);
  }
  if (SesOutcome bad = CheckDestination(set, destination)) return bad;
  if (SesOutcome failed = PublishTestMessage(set, destination)) return failed;
  ConfigurationSet changed = *found;
  for (EventDestination& present : changed.destinations) {
    if (present.name != destination.name) continue;
    present = std::move(destination);
    break;
  }
  return Store(changed);
}

SesOutcome ConfigurationSets::DeleteDestination(const std::string& set, const std::string& name) {
  MutexLock lock(writers_);
  const std::shared_ptr<const ConfigurationSet> found = Find(set);
  if (!found) return SetMissing(set);
  if (found->FindDestination(name) == nullptr) return DestinationMissing(name);
  ConfigurationSet changed = *found;
  std::erase_if(changed.destinations,
                [&](const EventDestination& present) { return present.name == name; });
  return Store(changed);
}

SesOutcome ConfigurationSets::CheckDestination(const std::string& set,
                                               const EventDestination& destination) const {
  if (!IsSesName(destination.name)) {
    return SesError{SesError::Kind::kInvalidDestination,
                    fmt::format("Invalid event destination name <{}>: only alphanumeric ASCII "
                                "characters, '_', and '-' are allowed, at most {} of them.",
                                destination.name,
                                kConfigurationSetNameMax)};
  }
  if (destination.matching.empty()) {
    return SesError{SesError::Kind::kInvalidDestination,
                    "At least one matching event type must be specified."};
  }
  if (!destination.metric_dimensions.empty()) return CheckMetrics(destination);
  if (!destination.stream_arn.empty()) {
    if (on_.streams != nullptr && on_.streams->CheckStream(destination.stream_arn)) {
      return std::nullopt;
    }
    return SesError{
        SesError::Kind::kInvalidStreamDestination,
        fmt::format("Could not find Firehose delivery stream <{}>.", destination.stream_arn)};
  }
  const std::optional<aws::Arn> arn = aws::ParseArn(destination.topic_arn);
  if (!arn || arn->service != "sns") return TopicMissing(destination.topic_arn);
  const Status allowed = on_.publisher.CheckTopic(destination.topic_arn, ArnOf(set));
  if (allowed) return std::nullopt;
  switch (allowed.error().code) {
    case ErrorCode::kNotFound:
      return TopicMissing(destination.topic_arn);
    case ErrorCode::kPermissionDenied:
      return TopicDenied(destination.topic_arn);
    default:
      return SesError{SesError::Kind::kUnavailable, allowed.error().message};
  }
}

SesOutcome ConfigurationSets::CheckMetrics(const EventDestination& destination) const {
  const auto invalid = [](std::string message) {
    return SesError{SesError::Kind::kInvalidMetricsDestination, std::move(message)};
  };
  if (destination.metric_dimensions.size() > kMetricDimensionsMax) {
    return invalid(fmt::format("At most {} dimensions can be specified.", kMetricDimensionsMax));
  }
  std::set<std::string> names;
  for (const MetricDimension& dimension : destination.metric_dimensions) {
    if (!IsDimensionText(dimension.name) || !names.insert(dimension.name).second) {
      return invalid(fmt::format("Invalid CloudWatch dimension name <{}>.", dimension.name));
    }
    if (!IsDimensionText(dimension.default_value)) {
      return invalid(
          fmt::format("Invalid CloudWatch dimension default value <{}>.", dimension.default_value));
    }
    const bool of_header = dimension.source == MetricDimension::Source::kEmailHeader;
    for (const std::string_view reserved :
         {"Received", "To", "From", "DKIM-Signature", "CC", "message-id", "Return-Path"}) {
      if (of_header && EqualsIgnoreAsciiCase(dimension.name, reserved)) {
        return invalid(fmt::format("The header {} cannot be a dimension.", dimension.name));
      }
    }
  }
  return std::nullopt;
}

SesOutcome ConfigurationSets::PublishTestMessage(const std::string& set,
                                                 const EventDestination& destination) const {
  if (destination.topic_arn.empty()) return std::nullopt;  // topics alone get one
  const auto answer = std::make_shared<Answer>();
  topics::SesPublication publication;
  publication.topic_arn = destination.topic_arn;
  publication.message = kTestMessage;
  publication.source_arn = ArnOf(set);
  publication.idempotency_key =
      fmt::format("ses-validation/{}/{}/{}", set, destination.name, on_.random.Uuid());
  on_.publisher.PublishAsync(
      std::move(publication),
      [answer](Result<topics::PublishOutcome> outcome) { answer->Set(std::move(outcome)); });
  const std::optional<Result<topics::PublishOutcome>> outcome = answer->Wait(kPublishWait);
  if (!outcome) {
    return SesError{SesError::Kind::kUnavailable,
                    "the topic did not take the test message in time"};
  }
  if (!*outcome) return SesError{SesError::Kind::kUnavailable, outcome->error().message};
  switch (**outcome) {
    case topics::PublishOutcome::kQueued:
      return std::nullopt;
    case topics::PublishOutcome::kDenied:
      return TopicDenied(destination.topic_arn);
    case topics::PublishOutcome::kNoSuchTopic:
      return TopicMissing(destination.topic_arn);
  }
  return std::nullopt;
}

}  // namespace postglass::mail
