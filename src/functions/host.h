#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random.h"
#include "forwarder/config.h"
#include "functions/function_registry.h"
#include "functions/invoker.h"
#include "functions/log_throttle.h"
#include "functions/sandbox.h"
#include "net/http_client.h"

namespace postglass::functions {

// Runs functions: the Lambda-compatible host. Thread-safe.
//
// Every invocation is counted as postglass_functions_invocations_total{function,result}, result one
// of succeeded, failed, timed_out, throttled, refused; the log names the cause of those that did
// not succeed, each cause at most every 10 s.
class Host final : public Invoker {
 public:
  enum class Mode { kInProcess, kProcess };

  struct Options {
    Mode mode = Mode::kInProcess;
    std::string program;                                 // of kProcess: our own binary
    std::vector<std::string> arguments = {"forwarder"};  // of kProcess
    // Variables for functions whose environment names neither DD_URL nor DD_SITE, so that they send
    // to this server: DD_URL, DD_PORT … Asked when a sandbox is made; may be empty (no injection).
    std::function<forwarder::Environment()> intake_environment;
    // Gets each line that a function wrote to stdout or stderr. May be empty.
    std::function<void(const std::string& function, std::string_view line)> on_line;
  };

  // A batch whose logs the intake will never take: the response of the function, with them in it.
  struct DeadLetter {
    Timestamp at;
    std::string function;
    std::string response;
  };

  static constexpr std::size_t kBatchRecordsMax = 256;    // of one event, for built-in functions
  static constexpr std::size_t kBatchBytesMax = 5 << 20;  // Lambda takes events of up to 6 MB
  static constexpr std::size_t kDeadLettersMax = 100;     // newest kept, in memory

  // `loopback` reaches our own intake without sockets (kInProcess), `outside` everything else. All
  // references must outlive the host.
  Host(Options options,
       FunctionRegistry& registry,
       net::HttpClient& loopback,
       net::HttpClient& outside,
       const Clock& clock,
       Random& random,
       Metrics& metrics);
  ~Host() override;

  // Each result speaks of the record at its place; records of one event share their fate.
  std::vector<InvokeResult> InvokeFromSns(const std::string& function_arn,
                                          const std::string& topic_arn,
                                          std::span<const SnsRecord> records) override;

  struct Outcome {
    enum class Kind { kSucceeded, kFailed, kTimedOut, kThrottled } kind = Kind::kFailed;
    InvocationReply reply;
  };

  // One invocation with the caller's right checked already.
  Outcome Invoke(const std::shared_ptr<const Function>& function, std::string event);

  std::vector<DeadLetter> DeadLetters() const;  // newest first

 private:
  // What runs one revision of a function.
  struct Running {
    std::string revision_id;
    std::shared_ptr<Sandbox> sandbox;
    int in_flight = 0;
  };

  class Slot;

  Result<std::shared_ptr<Sandbox>> MakeSandbox(const Function& function);
  Result<std::shared_ptr<Sandbox>> SandboxOf(const Function& function);
  void Report(const std::string& function, std::string_view result, std::string_view cause);
  void KeepDeadLetters(const Function& function, const InvocationReply& reply);

  const Options options_;
  FunctionRegistry& registry_;
  net::HttpClient& loopback_;
  net::HttpClient& outside_;
  const Clock& clock_;
  Random& random_;
  Metrics& metrics_;
  LogThrottle throttle_;
  mutable Mutex mutex_;
  std::map<std::string, Running, std::less<>> running_ GUARDED_BY(mutex_);  // by name
  std::deque<DeadLetter> dead_letters_ GUARDED_BY(mutex_);
};

}  // namespace postglass::functions
