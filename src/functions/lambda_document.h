#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/json.h"
#include "base/result.h"
#include "functions/function.h"
#include "net/http.h"

// The JSON documents of the Lambda API (AWS Lambda, "API reference"): functions as they are shown,
// and what a request says of one. Readers change `function` only as far as they got: use a copy.

namespace postglass::functions {

inline constexpr std::size_t kEnvironmentBytesMax = 4096;  // Lambda quota, all variables
inline constexpr std::size_t kTagsMax = 50;

// The values of a parameter in the query of a request, in order.
std::vector<std::string> QueryParameters(const net::HttpRequest& request, std::string_view name);

aws::AwsError InvalidParameter(std::string message);
aws::AwsError StoreTrouble(const Error& error);  // of the registry or the disk

// Update() of the registry speaks in Errors; an AwsError travels beside it.
class Change {
 public:
  Status Fail(aws::AwsError error) {
    error_ = std::move(error);
    return ::postglass::Fail(ErrorCode::kInvalidArgument, error_->message);
  }

  aws::AwsError ErrorOr(const Error& error) const { return error_ ? *error_ : StoreTrouble(error); }

 private:
  std::optional<aws::AwsError> error_;
};

json::object Configuration(const Function& function);
json::object ConcurrencyOf(const Function& function);
json::object EventInvokeDocument(const Function& function);  // Requires: it has one
json::object TagsOf(const Function& function);

// An integer member within bounds; an error that names it otherwise; nothing when it is not there.
std::optional<aws::AwsError> ReadInt(
    const json::object& body, std::string_view name, int low, int high, int& out);
// What UpdateFunctionConfiguration may change; members that are not there stay.
std::optional<aws::AwsError> ReadConfiguration(const json::object& body, Function& function);
// CreateFunction without its code.
std::optional<aws::AwsError> ReadNewFunction(const json::object& body,
                                             const aws::Account& account,
                                             Function& function);

// The archive in `ZipFile`, decoded.
struct ZipOrError {
  std::string zip;
  std::optional<aws::AwsError> error;
};

ZipOrError ReadZipFile(const json::object& code);
std::optional<aws::AwsError> ReadTags(const json::object& body, Function& function);
std::optional<aws::AwsError> ReadEventInvoke(const json::object& body, EventInvokeConfig& config);

}  // namespace postglass::functions
