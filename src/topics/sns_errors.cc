#include "topics/sns_errors.h"

#include <fmt/format.h>

#include "base/log.h"

namespace postglass::topics {

aws::AwsError InvalidParameter(std::string_view what) {
  return {400, "InvalidParameter", fmt::format("Invalid parameter: {}", what)};
}

aws::AwsError TopicNotFound() { return {404, "NotFound", "Topic does not exist"}; }

aws::AwsError SubscriptionNotFound() { return {404, "NotFound", "Subscription does not exist"}; }

aws::AwsError StorageError(const Error& error) {
  if (error.code == ErrorCode::kLimit) return {403, "TopicLimitExceeded", error.message};
  log::Error("topics", "SNS call failed: {}", error.message);
  return {503, "ServiceUnavailable", "Service is unavailable. Please try again.", false};
}

}  // namespace postglass::topics
