#pragma once

#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/metrics.h"
#include "mail/ses_error.h"
#include "mail/types.h"

// One refusal, in the words of each API (codes of the service models, statuses with them).

namespace postglass::mail {

aws::AwsError V1Error(const SendError& error);
aws::AwsError V2Error(const SendError& error);
aws::AwsError V1Error(const SesError& error);
aws::AwsError V2Error(const SesError& error);

// A required parameter that is missing, as AWS's front end says it. `path` as in the model, first
// letter small: "source", "eventDestination.name".
aws::AwsError V1Missing(std::string_view path);
aws::AwsError V2Missing(std::string_view path);
// A value outside an enumeration or range; `constraint` completes "Member must …".
aws::AwsError V1Invalid(std::string_view path, std::string_view value, std::string_view constraint);
aws::AwsError V2Invalid(std::string_view path, std::string_view value, std::string_view constraint);

// Counts a send that an API refuses by itself, before acceptance sees it.
void CountRefused(Metrics& metrics, std::string_view operation);

}  // namespace postglass::mail
