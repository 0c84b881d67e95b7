#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "forwarder/config.h"
#include "net/http_client.h"

namespace postglass::forwarder {

// One call of a function, as the Runtime API hands it over.
struct Invocation {
  std::string request_id;
  std::string function_arn;
  std::string trace_id;
  std::int64_t deadline_ms = 0;  // since 1970; 0 when unknown
  std::string event;
};

// The program's side of the Lambda Runtime API (AWS Lambda, "Using the Lambda runtime API for
// custom runtimes"). Not thread-safe.
class RuntimeClient {
 public:
  // `api` is the value of AWS_LAMBDA_RUNTIME_API: host:port. `client` must outlive it.
  RuntimeClient(net::HttpClient& client, std::string_view api);

  // Waits for the next invocation, however long: the process is frozen meanwhile.
  // Errors: kUnavailable (the API is gone: end the process), kInvalidArgument (no such answer).
  Result<Invocation> Next();
  Status Respond(const std::string& request_id, std::string response);
  // `type` is Category.Reason, "Runtime.IntakeUnavailable".
  Status RespondError(const std::string& request_id,
                      std::string_view type,
                      std::string_view message);
  Status ReportInitError(std::string_view type, std::string_view message);

 private:
  Status Post(const std::string& path, std::string body, std::string_view error_type);

  net::HttpClient& client_;
  const std::string base_url_;
};

// What became of an invocation.
struct Outcome {
  bool succeeded = false;
  std::string response;    // when it did
  std::string error_type;  // when it did not
  std::string error_message;
};

// Takes and answers invocations until the API is gone or a call of it fails; returns why.
Error ServeInvocations(RuntimeClient& api, const std::function<Outcome(const Invocation&)>& handle);

// The whole program `postglass forwarder`: the Lambda bootstrap. Reads AWS_LAMBDA_RUNTIME_API,
// AWS_LAMBDA_FUNCTION_NAME, AWS_LAMBDA_FUNCTION_VERSION and the variables of Config and FindApiKey.
// Ends with the exit code 1 when the Runtime API is gone, 2 when the environment is not usable.
int RunForwarder(const Environment& environment);
// The same with the connection to the Runtime API and the one to the intake given.
int RunForwarder(const Environment& environment,
                 net::HttpClient& runtime_api,
                 net::HttpClient& intake);

}  // namespace postglass::forwarder
