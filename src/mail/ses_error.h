#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace postglass::mail {

// Why a change of configuration was refused. Each API has its own code for a kind; the text is the
// same in both.
struct SesError {
  enum class Kind {
    kSetDoesNotExist,
    kSetAlreadyExists,
    kInvalidSet,
    kDestinationDoesNotExist,
    kDestinationAlreadyExists,
    kInvalidDestination,         // no matching types, bad name
    kInvalidSnsDestination,      // topic missing, or SES may not publish there
    kInvalidMetricsDestination,  // CloudWatch: dimensions
    kInvalidStreamDestination,   // Firehose: no such stream
    kUnsupportedDestination,     // EventBridge, Pinpoint
    kTrackingOptionsAlreadyExist,
    kTrackingOptionsDoNotExist,
    kInvalidTrackingOptions,
    kInvalidDeliveryOptions,
    kIdentityDoesNotExist,
    kIdentityAlreadyExists,
    kIdentityNotVerified,  // v1, where SES speaks so of one that does not exist
    kInvalidPolicy,
    kPolicyAlreadyExists,
    kPolicyDoesNotExist,
    kTemplateDoesNotExist,
    kTemplateAlreadyExists,
    kInvalidTemplate,
    kSuppressedDestinationDoesNotExist,
    kInvalidParameter,
    kLimitExceeded,
    kUnavailable,  // could not be made durable; nothing has changed
  };
  Kind kind = Kind::kUnavailable;
  std::string message;
};

// Nothing: done, and durable.
using SesOutcome = std::optional<SesError>;

// `status` of a write as an outcome.
inline SesOutcome FromWrite(const Status& status) {
  if (status) return std::nullopt;
  return SesError{SesError::Kind::kUnavailable, status.error().message};
}

}  // namespace postglass::mail
