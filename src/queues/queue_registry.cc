#include "queues/queue_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "aws/arn.h"
#include "aws/policy.h"
#include "base/check.h"
#include "base/log.h"
#include "queues/limits.h"

namespace postglass::queues {
namespace {

constexpr std::string_view kKind = "queue";

// Attributes that are whole numbers, with SQS's bounds and defaults.
struct NumberAttribute {
  std::string_view name;
  std::int64_t min;
  std::int64_t max;
  std::int64_t fallback;
};

constexpr std::array<NumberAttribute, 6> kNumbers = {{
    {"DelaySeconds", 0, 900, 0},
    {"MaximumMessageSize", 1'024, 1'048'576, 1'048'576},
    {"MessageRetentionPeriod", 60, 1'209'600, 345'600},
    {"ReceiveMessageWaitTimeSeconds", 0, 20, 0},
    {"VisibilityTimeout", 0, 43'200, 30},
    {"KmsDataKeyReusePeriodSeconds", 60, 86'400, 300},
}};

constexpr std::array<std::string_view, 5> kTexts = {
    "Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "SqsManagedSseEnabled"};

const NumberAttribute* FindNumber(std::string_view name) {
  const auto* at = std::find_if(
      kNumbers.begin(), kNumbers.end(), [name](const auto& each) { return each.name == name; });
  return at == kNumbers.end() ? nullptr : at;
}

std::optional<std::int64_t> ParseNumber(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// {"deadLetterTargetArn":…,"maxReceiveCount":1…1000}, the count as number or text.
Result<RedrivePolicy> ParseRedrive(const std::string& text) {
  ASSIGN_OR_RETURN(const json::object o, json::ParseObject(text));
  RedrivePolicy policy;
  policy.target_arn = json::GetStringOr(o, "deadLetterTargetArn", "");
  const std::optional<aws::Arn> arn = aws::ParseArn(policy.target_arn);
  if (!arn || arn->service != "sqs") {
    return Fail(ErrorCode::kInvalidArgument, "deadLetterTargetArn is not the ARN of a queue");
  }
  std::optional<std::int64_t> receives = json::GetInt(o, "maxReceiveCount");
  if (!receives) receives = ParseNumber(json::GetStringOr(o, "maxReceiveCount", ""));
  if (!receives || *receives < 1 || *receives > 1'000) {
    return Fail(ErrorCode::kInvalidArgument, "maxReceiveCount must be between 1 and 1000");
  }
  policy.receives_max = static_cast<std::uint32_t>(*receives);
  return policy;
}

json::object ToJson(const Attributes& attributes) {
  json::object o;
  for (const auto& [name, value] : attributes) o[name] = value;
  return o;
}

Attributes AttributesFrom(const json::object& document, std::string_view member) {
  Attributes attributes;
  if (const json::object* o = json::GetObject(document, member)) {
    for (const auto& entry : *o) {
      if (const json::string* text = entry.value().if_string()) {
        attributes.emplace(std::string(entry.key()), std::string(*text));
      }
    }
  }
  return attributes;
}

// A policy that does not parse lets nobody in: it may have been a Deny.
void Complete(Queue& queue) {
  queue.policy = nullptr;
  queue.redrive.reset();
  if (const auto at = queue.attributes.find("Policy"); at != queue.attributes.end()) {
    Result<json::object> parsed = json::ParseObject(at->second);
    queue.policy =
        std::make_shared<const json::object>(parsed ? std::move(*parsed) : json::object());
  }
  if (const auto at = queue.attributes.find("RedrivePolicy"); at != queue.attributes.end()) {
    if (const Result<RedrivePolicy> redrive = ParseRedrive(at->second)) queue.redrive = *redrive;
  }
}

}  // namespace

std::int64_t Queue::Setting(std::string_view attribute) const {
  const NumberAttribute* known = FindNumber(attribute);
  CHECK(known != nullptr);
  const auto at = attributes.find(attribute);
  return at == attributes.end() ? known->fallback
                                : ParseNumber(at->second).value_or(known->fallback);
}

bool IsSettable(std::string_view attribute) {
  return FindNumber(attribute) != nullptr ||
         std::find(kTexts.begin(), kTexts.end(), attribute) != kTexts.end();
}

Status CheckAttribute(const std::string& name, const std::string& value) {
  const auto invalid = [&name](std::string_view why) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "Invalid value for the parameter {}.{}{}", name, why.empty() ? "" : " Reason: ", why));
  };
  if (const NumberAttribute* number = FindNumber(name)) {
    const std::optional<std::int64_t> parsed = ParseNumber(value);
    if (!parsed || *parsed < number->min || *parsed > number->max) return invalid("");
    return {};
  }
  if (value.empty()) return {};  // takes it away
  if (name == "SqsManagedSseEnabled") {
    if (value != "true" && value != "false") return invalid("");
  } else if (name == "Policy") {
    if (value.size() > kPolicyBytesMax) return invalid("the policy is too long.");
    const Result<json::object> policy = json::ParseObject(value);
    if (!policy) return invalid(policy.error().message);
    if (const Status good = aws::CheckPolicy(*policy); !good) return invalid(good.error().message);
  } else if (name == "RedrivePolicy") {
    if (const auto redrive = ParseRedrive(value); !redrive) {
      return invalid(redrive.error().message);
    }
  } else if (name == "RedriveAllowPolicy") {
    const Result<json::object> allow = json::ParseObject(value);
    if (!allow) return invalid(allow.error().message);
    const std::string permission = json::GetStringOr(*allow, "redrivePermission", "");
    if (permission != "allowAll" && permission != "denyAll" && permission != "byQueue") {
      return invalid("redrivePermission must be allowAll, denyAll or byQueue");
    }
  }
  return {};
}

Result<std::unique_ptr<QueueRegistry>> QueueRegistry::Load(Settings& settings,
                                                           aws::Account account) {
  std::unique_ptr<QueueRegistry> registry(new QueueRegistry(settings, std::move(account)));
  ASSIGN_OR_RETURN(const auto documents, settings.List(kKind));
  MutexLock lock(registry->mutex_);
  for (const Settings::Document& document : documents) {
    const Result<json::object> o = json::ParseObject(document.json);
    if (!o || json::GetStringOr(*o, "uid", "").empty()) {
      log::Error("queues", "queue {} left out: its settings do not parse", document.key);
      continue;
    }
    Queue queue;
    queue.name = document.key;
    queue.arn = registry->ArnOf(queue.name);
    queue.uid = json::GetStringOr(*o, "uid", "");
    queue.created_at = Timestamp::FromMillis(json::GetInt(*o, "created_ms").value_or(0));
    queue.modified_at = Timestamp::FromMillis(json::GetInt(*o, "modified_ms").value_or(0));
    queue.attributes = AttributesFrom(*o, "attributes");
    queue.tags = AttributesFrom(*o, "tags");
    Complete(queue);
    registry->queues_.emplace(queue.name, std::make_shared<const Queue>(queue));
  }
  return registry;
}

std::string QueueRegistry::ArnOf(std::string_view name) const {
  return fmt::format("arn:aws:sqs:{}:{}:{}", account_.region, account_.account_id, name);
}

std::shared_ptr<const Queue> QueueRegistry::Find(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto at = queues_.find(name);
  return at == queues_.end() ? nullptr : at->second;
}

std::shared_ptr<const Queue> QueueRegistry::FindByArn(std::string_view arn) const {
  const std::size_t colon = arn.rfind(':');
  if (colon == std::string_view::npos) return nullptr;
  std::shared_ptr<const Queue> queue = Find(arn.substr(colon + 1));
  return queue && queue->arn == arn ? queue : nullptr;
}

std::vector<std::shared_ptr<const Queue>> QueueRegistry::List(std::string_view prefix,
                                                              std::string_view after,
                                                              std::size_t count_max) const {
  std::vector<std::shared_ptr<const Queue>> listed;
  MutexLock lock(mutex_);
  for (auto at = after.empty() ? queues_.begin() : queues_.upper_bound(after);
       at != queues_.end() && listed.size() < count_max;
       ++at) {
    if (at->first.starts_with(prefix)) listed.push_back(at->second);
  }
  return listed;
}

std::vector<std::shared_ptr<const Queue>> QueueRegistry::SourcesOf(
    std::string_view dead_letter_arn) const {
  std::vector<std::shared_ptr<const Queue>> sources;
  MutexLock lock(mutex_);
  for (const auto& [name, queue] : queues_) {
    if (queue->redrive && queue->redrive->target_arn == dead_letter_arn) sources.push_back(queue);
  }
  return sources;
}

Status QueueRegistry::Put(Queue queue) {
  {
    MutexLock lock(mutex_);
    if (queues_.size() >= kQueuesMax && !queues_.contains(queue.name)) {
      return Fail(ErrorCode::kLimit, fmt::format("{} queues are the most", kQueuesMax));
    }
  }
  RETURN_IF_ERROR(
      settings_.Put(kKind,
                    queue.name,
                    json::Serialize(json::object{{"uid", queue.uid},
                                                 {"created_ms", queue.created_at.millis()},
                                                 {"modified_ms", queue.modified_at.millis()},
                                                 {"attributes", ToJson(queue.attributes)},
                                                 {"tags", ToJson(queue.tags)}})));
  Complete(queue);
  MutexLock lock(mutex_);
  const std::string name = queue.name;
  queues_.insert_or_assign(name, std::make_shared<const Queue>(std::move(queue)));
  return {};
}

Status QueueRegistry::Remove(std::string_view name) {
  RETURN_IF_ERROR(settings_.Remove(kKind, name));
  MutexLock lock(mutex_);
  if (const auto at = queues_.find(name); at != queues_.end()) queues_.erase(at);
  return {};
}

}  // namespace postglass::queues
