#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "functions/lambda_api.h"
#include "functions/lambda_document.h"

namespace postglass::functions {

using aws::AwsError;

LambdaApi::Answer LambdaApi::Invoke(const std::shared_ptr<const Function>& function,
                                    const net::HttpRequest& request) {
  Answer answer;
  const auto fail = [&answer](AwsError error) {
    answer.error = std::move(error);
    return answer;
  };
  const std::string_view type = request.headers.Get("X-Amz-Invocation-Type");
  const bool is_event = type == "Event";
  const std::size_t bytes_max = is_event ? kAsyncPayloadBytesMax : kSyncPayloadBytesMax;
  if (request.body.size() > bytes_max) {
    return fail({413,
                 "RequestTooLargeException",
                 fmt::format("{} byte payload is too large for the {} invocation type (limit {} "
                             "bytes)",
                             request.body.size(),
                             is_event ? "Event" : "RequestResponse",
                             bytes_max)});
  }
  const std::string event = request.body.empty() ? "{}" : request.body;
  if (!json::Parse(event)) {
    return fail({400,
                 "InvalidRequestContentException",
                 "Could not parse request body into json: the payload is not JSON"});
  }
  if (type == "DryRun") {
    answer.status = 204;
    return answer;
  }
  if (is_event) {
    const auto taken = queue_.Add(*function, event);
    if (!taken && taken.error().code == ErrorCode::kLimit) {
      return fail({429, "TooManyRequestsException", "Rate Exceeded."});
    }
    if (!taken) return fail(StoreTrouble(taken.error()));
    answer.status = 202;
    return answer;
  }
  if (!type.empty() && type != "RequestResponse") {
    return fail(InvalidParameter("unknown invocation type"));
  }
  Host::Outcome outcome = host_.Invoke(function, event);
  if (outcome.kind == Host::Outcome::Kind::kThrottled) {
    return fail({429, "TooManyRequestsException", "Rate Exceeded."});
  }
  answer.headers.Add("X-Amz-Executed-Version", "$LATEST");
  if (request.headers.Get("X-Amz-Log-Type") == "Tail") {
    answer.headers.Add("X-Amz-Log-Result", Base64Encode(outcome.reply.log_tail));
  }
  if (outcome.reply.succeeded) {
    answer.body = std::move(outcome.reply.payload);
    return answer;
  }
  answer.headers.Add("X-Amz-Function-Error", "Unhandled");
  answer.body = !outcome.reply.payload.empty()
                    ? std::move(outcome.reply.payload)
                    : json::Serialize(json::object{{"errorMessage", outcome.reply.error_message},
                                                   {"errorType", outcome.reply.error_type}});
  return answer;
}

}  // namespace postglass::functions
