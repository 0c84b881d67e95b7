#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "topics/deliverer.h"
#include "topics/types.h"

// SNS's delivery status logs: what became of a message at one subscription, for topics that ask for
// it by <PROTOCOL>SuccessFeedbackRoleArn, …SuccessFeedbackSampleRate and …FailureFeedbackRoleArn.
// Rules: SNS Developer Guide, "Amazon SNS message delivery status".

namespace postglass::topics {

// Takes log entries of one log group ("sns/REGION/ACCOUNT/TOPIC", or with "/Failure" behind it).
// Called between deliveries: must not block, and be thread-safe. Empty: nobody wants them.
using StatusLog =
    std::function<void(const std::string& log_group, std::vector<json::object> entries)>;

// The entry of each report the topic wants to know of, by log group.
struct StatusEntries {
  std::vector<json::object> successes;
  std::vector<json::object> failures;
};

// Which successes are in the sample is decided by the message's id.
StatusEntries MakeStatusEntries(const Topic& topic,
                                const Target& target,
                                const std::vector<DeliveryReport>& reports);
// "sns/us-east-1/000000000000/mail-events"
std::string StatusLogGroup(const std::string& topic_arn, bool delivered);

}  // namespace postglass::topics
