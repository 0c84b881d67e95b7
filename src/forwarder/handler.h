#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "forwarder/config.h"
#include "net/http_client.h"

namespace postglass::forwarder {

inline constexpr std::string_view kForwarderVersion = "1.0.0";

// Of the function that runs the handler.
struct FunctionContext {
  std::string name;         // for the tag forwardername
  std::string invoked_arn;  // aws.invoked_function_arn of each log
  std::string version;      // aws.function_version of each log, unless empty or $LATEST
};

struct ForwardReport {
  std::size_t forwarded = 0;      // logs the intake took
  std::size_t dead_lettered = 0;  // logs the intake will never take
  std::string response;           // of the function: JSON, at most kResponseBytesMax
};

// The forwarder itself: an SNS event in, log entries to the intake out. Reports success only when
// the intake took them with a 2xx; Datadog's own swallows the error, and the events are gone.
// Thread-safe.
class Handler {
 public:
  static constexpr std::size_t kBatchLogsMax = 400;         // of one request, as Datadog's
  static constexpr std::size_t kBatchBytesMax = 4'000'000;  // of one request before compression
  static constexpr std::size_t kResponseBytesMax = 1 << 20;

  // `client` must outlive it.
  Handler(Config config, net::HttpClient& client);

  // Each element of the event's Records becomes one log; an event without Records is one log.
  // A batch that the intake refuses for good (4xx other than 401, 403, 408, 429) is dead-lettered:
  // its logs are in the response, for whoever keeps the function's results.
  // Errors, all of them to be tried again with the whole event: kPermissionDenied (401, 403),
  // kUnavailable (408, 429, 5xx, other answers, network), kTimeout. kInvalidArgument: no JSON
  // object.
  Result<ForwardReport> Handle(std::string_view event, const FunctionContext& context);

 private:
  struct DeadLetter {
    std::string reason;
    std::string body;
    std::size_t logs = 0;
  };

  Status Send(const std::string& body, std::size_t logs, std::vector<DeadLetter>& dead);

  const Config config_;
  net::HttpClient& client_;
};

}  // namespace postglass::forwarder
