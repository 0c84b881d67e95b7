#include "mail/api/ses_errors.h"

#include <fmt/format.h>

#include "base/encoding.h"

namespace postglass::mail {
namespace {

aws::AwsError Sender(std::string_view code, std::string message, int status = 400) {
  return {status, std::string(code), std::move(message), /*sender_fault=*/true};
}

aws::AwsError Unavailable(std::string message) {
  return {503, "ServiceUnavailable", std::move(message), /*sender_fault=*/false};
}

std::string ValidationText(std::string_view path,
                           std::string_view value,
                           std::string_view constraint) {
  return fmt::format(
      "1 validation error detected: Value {} at '{}' failed to satisfy constraint: Member must {}",
      value,
      path,
      constraint);
}

std::string Quoted(std::string_view value) { return fmt::format("'{}'", ToValidUtf8(value)); }

}  // namespace

aws::AwsError V1Error(const SendError& error) {
  using Kind = SendError::Kind;
  switch (error.kind) {
    case Kind::kMessageRejected:
      return Sender("MessageRejected", error.message);
    case Kind::kAccessDenied:
      return Sender("AccessDenied", error.message, 403);
    case Kind::kInvalidParameter:
    case Kind::kMessageTooLong:
      return Sender("InvalidParameterValue", error.message);
    case Kind::kConfigurationSetDoesNotExist:
      return Sender("ConfigurationSetDoesNotExist", error.message);
    case Kind::kConfigurationSetSendingPaused:
      return Sender("ConfigurationSetSendingPausedException", error.message);
    case Kind::kAccountSendingPaused:
      return Sender("AccountSendingPausedException", error.message);
    case Kind::kRateExceeded:
    case Kind::kDailyQuotaExceeded:
      return Sender("Throttling", error.message);
    case Kind::kUnavailable:
      return Unavailable(error.message);
  }
  return Unavailable(error.message);
}

aws::AwsError V2Error(const SendError& error) {
  using Kind = SendError::Kind;
  switch (error.kind) {
    case Kind::kMessageRejected:
      return Sender("MessageRejected", error.message);
    case Kind::kAccessDenied:
      return Sender("AccessDeniedException", error.message, 403);
    case Kind::kInvalidParameter:
    case Kind::kMessageTooLong:
      return Sender("BadRequestException", error.message);
    case Kind::kConfigurationSetDoesNotExist:
      return Sender("NotFoundException", error.message, 404);
    case Kind::kConfigurationSetSendingPaused:
    case Kind::kAccountSendingPaused:
      return Sender("SendingPausedException", error.message);
    case Kind::kRateExceeded:
      return Sender("TooManyRequestsException", error.message, 429);
    case Kind::kDailyQuotaExceeded:
      return Sender("LimitExceededException", error.message);
    case Kind::kUnavailable:
      return Unavailable(error.message);
  }
  return Unavailable(error.message);
}

aws::AwsError V1Error(const SesError& error) {
  using Kind = SesError::Kind;
  switch (error.kind) {
    case Kind::kSetDoesNotExist:
      return Sender("ConfigurationSetDoesNotExist", error.message);
    case Kind::kSetAlreadyExists:
      return Sender("ConfigurationSetAlreadyExists", error.message);
    case Kind::kInvalidSet:
      return Sender("InvalidConfigurationSet", error.message);
    case Kind::kDestinationDoesNotExist:
      return Sender("EventDestinationDoesNotExist", error.message);
    case Kind::kDestinationAlreadyExists:
      return Sender("EventDestinationAlreadyExists", error.message);
    case Kind::kInvalidSnsDestination:
      return Sender("InvalidSNSDestination", error.message);
    case Kind::kInvalidMetricsDestination:
      return Sender("InvalidCloudWatchDestination", error.message);
    case Kind::kInvalidStreamDestination:
      return Sender("InvalidFirehoseDestination", error.message);
    case Kind::kTrackingOptionsAlreadyExist:
      return Sender("TrackingOptionsAlreadyExistsException", error.message);
    case Kind::kTrackingOptionsDoNotExist:
      return Sender("TrackingOptionsDoesNotExistException", error.message);
    case Kind::kInvalidTrackingOptions:
      return Sender("InvalidTrackingOptions", error.message);
    case Kind::kInvalidDeliveryOptions:
      return Sender("InvalidDeliveryOptions", error.message);
    case Kind::kTemplateDoesNotExist:
      return Sender("TemplateDoesNotExist", error.message);
    case Kind::kTemplateAlreadyExists:
      return Sender("AlreadyExists", error.message);
    case Kind::kInvalidTemplate:
      return Sender("InvalidTemplate", error.message);
    case Kind::kIdentityNotVerified:
      return Sender("MessageRejected", error.message);
    case Kind::kInvalidPolicy:
      return Sender("InvalidPolicy", error.message);
    case Kind::kPolicyAlreadyExists:
    case Kind::kPolicyDoesNotExist:
    case Kind::kSuppressedDestinationDoesNotExist:
    case Kind::kIdentityDoesNotExist:
    case Kind::kIdentityAlreadyExists:
    case Kind::kInvalidDestination:
    case Kind::kUnsupportedDestination:
    case Kind::kInvalidParameter:
      return Sender("InvalidParameterValue", error.message);
    case Kind::kLimitExceeded:
      return Sender("LimitExceeded", error.message);
    case Kind::kUnavailable:
      return Unavailable(error.message);
  }
  return Unavailable(error.message);
}

aws::AwsError V2Error(const SesError& error) {
  using Kind = SesError::Kind;
  switch (error.kind) {
    case Kind::kSetDoesNotExist:
    case Kind::kDestinationDoesNotExist:
    case Kind::kIdentityDoesNotExist:
    case Kind::kTrackingOptionsDoNotExist:
    case Kind::kTemplateDoesNotExist:
    case Kind::kSuppressedDestinationDoesNotExist:
    case Kind::kPolicyDoesNotExist:
      return Sender("NotFoundException", error.message, 404);
    case Kind::kSetAlreadyExists:
    case Kind::kDestinationAlreadyExists:
    case Kind::kTrackingOptionsAlreadyExist:
    case Kind::kIdentityAlreadyExists:
    case Kind::kTemplateAlreadyExists:
    case Kind::kPolicyAlreadyExists:
      return Sender("AlreadyExistsException", error.message);
    case Kind::kInvalidSet:
    case Kind::kInvalidDestination:
    case Kind::kInvalidSnsDestination:
    case Kind::kInvalidMetricsDestination:
    case Kind::kInvalidStreamDestination:
    case Kind::kUnsupportedDestination:
    case Kind::kInvalidTrackingOptions:
    case Kind::kInvalidDeliveryOptions:
    case Kind::kInvalidTemplate:
    case Kind::kIdentityNotVerified:
    case Kind::kInvalidPolicy:
    case Kind::kInvalidParameter:
      return Sender("BadRequestException", error.message);
    case Kind::kLimitExceeded:
      return Sender("LimitExceededException", error.message);
    case Kind::kUnavailable:
      return Unavailable(error.message);
  }
  return Unavailable(error.message);
}

aws::AwsError V1Missing(std::string_view path) {
  return Sender("ValidationError", ValidationText(path, "null", "not be null"));
}

aws::AwsError V2Missing(std::string_view path) {
  return Sender("BadRequestException", ValidationText(path, "null", "not be null"));
}

aws::AwsError V1Invalid(std::string_view path,
                        std::string_view value,
                        std::string_view constraint) {
  return Sender("ValidationError", ValidationText(path, Quoted(value), constraint));
}

aws::AwsError V2Invalid(std::string_view path,
                        std::string_view value,
                        std::string_view constraint) {
  return Sender("BadRequestException", ValidationText(path, Quoted(value), constraint));
}

void CountRefused(Metrics& metrics, std::string_view operation) {
  metrics
      .GetCounter("postglass_mail_refused_total",
                  "Mails refused, by operation and reason.",
                  {{"door", operation}, {"reason", "invalid_parameter"}})
      .Add();
}

}  // namespace postglass::mail
