#include "topics/delivery_status.h"

#include <algorithm>
#include <charconv>

#include "aws/arn.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/md5.h"
#include "base/time_format.h"

namespace postglass::topics {
namespace {

std::string_view AttributePrefix(Protocol protocol) {
  switch (protocol) {
    case Protocol::kHttp:
    case Protocol::kHttps:
      return "HTTP";
    case Protocol::kLambda:
      return "Lambda";
    case Protocol::kSqs:
      return "SQS";
  }
  return "";
}

std::string Attribute(const Topic& topic, Protocol protocol, std::string_view name) {
  std::string key(AttributePrefix(protocol));
  key += name;
  const auto at = topic.attributes.find(key);
  return at == topic.attributes.end() ? std::string() : at->second;
}

// Percent; SNS logs none when the rate is not given.
int SampleRate(const Topic& topic, Protocol protocol) {
  const std::string text = Attribute(topic, protocol, "SuccessFeedbackSampleRate");
  int rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  return error == std::errc() && end == text.data() + text.size() ? std::clamp(rate, 0, 100) : 0;
}

bool InSample(const Message& message, int rate) {
  const std::string hash = Sha256(message.message_id);
  return static_cast<unsigned char>(hash[0]) * 100 / 256 < rate;
}

json::object MakeEntry(const Target& target, const DeliveryReport& report) {
  const Message& message = *report.message;
  std::string time = FormatIso8601Millis(message.published_at);
  std::replace(time.begin(), time.end(), 'T', ' ');
  if (time.ends_with('Z')) time.pop_back();
  json::object delivery{
      {"deliveryId",
       FormatUuid(Sha256(message.message_id + target.subscription_arn).substr(0, 16), 5)},
      {"destination", target.endpoint},
      {"dwellTimeMs", report.dwell.count()},
      {"attempts", report.attempts}};
  if (!report.reason.empty()) delivery["providerResponse"] = ToValidUtf8(report.reason);
  return {{"notification",
           json::object{{"messageMD5Sum", HexEncode(Md5(message.body_for(target.protocol)))},
                        {"messageId", message.message_id},
                        {"topicArn", message.topic_arn},
                        {"timestamp", time}}},
          {"delivery", std::move(delivery)},
          {"status", report.delivered ? "SUCCESS" : "FAILURE"}};
}

}  // namespace

StatusEntries MakeStatusEntries(const Topic& topic,
                                const Target& target,
                                const std::vector<DeliveryReport>& reports) {
  StatusEntries entries;
  const bool wants_failures = !Attribute(topic, target.protocol, "FailureFeedbackRoleArn").empty();
  const int rate = Attribute(topic, target.protocol, "SuccessFeedbackRoleArn").empty()
                       ? 0
                       : SampleRate(topic, target.protocol);
  for (const DeliveryReport& report : reports) {
    if (report.message->type != Message::Type::kNotification) continue;
    if (report.delivered && InSample(*report.message, rate)) {
      entries.successes.push_back(MakeEntry(target, report));
    }
    if (!report.delivered && wants_failures) entries.failures.push_back(MakeEntry(target, report));
  }
  return entries;
}

std::string StatusLogGroup(const std::string& topic_arn, bool delivered) {
  const std::optional<aws::Arn> arn = aws::ParseArn(topic_arn);
  if (!arn) return "sns";
  return "sns/" + arn->region + "/" + arn->account_id + "/" + arn->resource +
         (delivered ? "" : "/Failure");
}

}  // namespace postglass::topics
