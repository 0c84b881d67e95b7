#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
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
  // When the invocation is over; nothing: whoever sent the event sends it again soon enough, so the
  // handler does not try a second time.
  std::optional<Timestamp> deadline = std::nullopt;
};

struct ForwardReport {
  std::size_t forwarded = 0;      // logs the intake took
  std::size_t dead_lettered = 0;  // logs the intake will never take
  std::size_t held_back = 0;      // logs that INCLUDE_AT_MATCH and EXCLUDE_AT_MATCH keep back
  std::string response;           // of the function: JSON, at most kResponseBytesMax
};

// The forwarder itself: an SNS event in, log entries to the intake out. Reports success only when
// every intake took them with a 2xx; Datadog's own swallows the error, and the events are gone.
// Thread-safe.
class Handler {
 public:
  static constexpr std::size_t kBatchLogsMax = 400;         // of one request, as Datadog's
  static constexpr std::size_t kBatchBytesMax = 4'000'000;  // of one request before compression
  static constexpr std::size_t kResponseBytesMax = 1 << 20;

  static constexpr int kRetriesMax = 3;  // of one request, within the deadline

  // `client` and `clock` must outlive it. `pause` waits before a retry; empty: none is made.
  using Pause = std::function<void(std::chrono::milliseconds)>;
  Handler(Config config, net::HttpClient& client, const Clock* clock = nullptr, Pause pause = {});

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

  // To every target of the configuration.
  Status Send(const std::string& body,
              std::size_t logs,
              const FunctionContext& context,
              std::vector<DeadLetter>& dead);
  Status SendTo(const Config::Target& target,
                const std::string& body,
                std::size_t logs,
                const FunctionContext& context,
                std::vector<DeadLetter>& dead);
  bool MayRetry(int retries, const FunctionContext& context) const;

  const Config config_;
  net::HttpClient& client_;
  const Clock* const clock_;
  const Pause pause_;
};

}  // namespace postglass::forwarder
