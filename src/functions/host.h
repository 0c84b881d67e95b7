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
#include "functions/code_store.h"
#include "functions/function_registry.h"
#include "functions/instance_pool.h"
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
    // Gets the log lines of functions that run as processes: ProcessSandbox::Options. May be empty.
    std::function<void(
        const std::string& function, const std::string& request_id, std::string_view line)>
        on_line;
    aws::Account account;
    // The code of functions that have some; null: none of them runs.
    CodeStore* code = nullptr;
    Path python = "/usr/bin/python3";
    FileSystem* fs = nullptr;  // of `code`; set with it
    InstancePool::Options instances = {};
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
    bool hopeless = false;  // failed, and will each time: this server cannot run the function
  };

  // One invocation with the caller's right checked already. An empty `request_id` is made up.
  Outcome Invoke(const std::shared_ptr<const Function>& function,
                 std::string event,
                 std::string request_id = {});

  // Takes events of functions that say what becomes of failed ones (Function::owns_failures).
  // Set before topics deliver.
  using TakeAsync = std::function<Status(const Function& function, std::string event)>;

  void SetAsync(TakeAsync take) { take_async_ = std::move(take); }

  // A function was deleted: its processes end.
  void Forget(const std::string& name);
  // Ends all processes, also those at work; what is invoked afterwards fails.
  void Interrupt();

  bool WantsSignature(const std::string& function_arn) const override;

  std::vector<DeadLetter> DeadLetters() const;  // newest first

 private:
  // A function at work, and its handler when it runs in this process.
  struct Running {
    std::string revision_id;
    std::shared_ptr<Sandbox> handler;
    int in_flight = 0;
  };

  class Slot;

  bool RunsHere(const Function& function) const;
  forwarder::Environment EnvironmentOf(const Function& function, bool& to_us) const;
  Result<std::unique_ptr<Sandbox>> MakeProcess(const Function& function);
  Result<std::shared_ptr<Sandbox>> HandlerOf(const Function& function);
  void RunIn(Sandbox& sandbox, std::string event, const std::string& request_id, Outcome& outcome);
  InvokeResult InvokeForSns(const std::shared_ptr<const Function>& function, std::string event);
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
  TakeAsync take_async_;
  std::unique_ptr<InstancePool> pool_;
};

}  // namespace postglass::functions
