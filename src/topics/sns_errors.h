#pragma once

#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/result.h"

// The errors of Amazon SNS, in its words.

namespace postglass::topics {

// 400 InvalidParameter "Invalid parameter: <what>".
aws::AwsError InvalidParameter(std::string_view what);
aws::AwsError TopicNotFound();
aws::AwsError SubscriptionNotFound();
// What could not be stored or read: 503 when it may work later, else 500.
aws::AwsError StorageError(const Error& error);

}  // namespace postglass::topics
