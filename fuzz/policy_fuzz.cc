// Resource policies as callers give them: checked, evaluated, and never more than what they allow.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "aws/policy.h"
#include "base/check.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  const Result<json::object> policy =
      json::ParseObject({reinterpret_cast<const char*>(data), size});
  if (!policy) return 0;
  static_cast<void>(aws::CheckPolicy(*policy));
  const aws::PolicyRequest request{
      .principal_service = "ses.amazonaws.com",
      .principal_account = {},
      .principal_arn = {},
      .action = "SNS:Publish",
      .resource = "arn:aws:sns:us-east-1:000000000000:mail-events",
      .context = {{"aws:SourceAccount", "000000000000"},
                  {"aws:SourceArn", "arn:aws:ses:us-east-1:000000000000:configuration-set/d"},
                  {"aws:SourceIp", "10.1.2.3"},
                  {"aws:CurrentTime", "2026-11-23T06:00:00Z"}}};
  const aws::PolicyOutcome outcome = aws::EvaluatePolicy(*policy, request);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Nothing is allowed by a policy that nowhere says so (escapes could hide the word).
  if (text.find('\\') == std::string_view::npos && text.find("Allow") == std::string_view::npos) {
    CHECK(outcome.decision != aws::Decision::kAllowed);
  }
  // Taking all statements away takes every right away.
  json::object emptied = *policy;
  emptied.erase("Statement");
  CHECK(aws::EvaluatePolicy(emptied, request).decision == aws::Decision::kImplicitDeny);
  return 0;
}
