#pragma once

#include <span>
#include <string>
#include <vector>

namespace postglass::functions {

// One element of a Lambda event's Records[], complete JSON text in SNS's shape.
struct SnsRecord {
  std::string message_id;
  std::string json;
};

struct InvokeResult {
  enum class Outcome {
    kSucceeded,
    kFailed,    // function error, time-out, throttle, host overloaded: try again later
    kRefused,   // no such function, or its policy does not let this topic invoke it
    kRejected,  // trying again will not help: this server cannot run the function
  };
  Outcome outcome = Outcome::kSucceeded;
  std::string reason;  // one line for the operator; never contains the payload
};

// What topics/ hands records to. Thread-safe; blocks until the function has answered.
class Invoker {
 public:
  virtual ~Invoker() = default;
  // One result for each record, in order. Records may be invoked together (one event with several
  // Records) or one by one, as the function is configured.
  virtual std::vector<InvokeResult> InvokeFromSns(const std::string& function_arn,
                                                  const std::string& topic_arn,
                                                  std::span<const SnsRecord> records) = 0;

  // Whether this function's records need a real SNS signature. One costs 0.3 ms, so a function that
  // runs inside this process, and trusts its caller, gets an empty one.
  virtual bool WantsSignature(const std::string& function_arn) const {
    static_cast<void>(function_arn);
    return false;
  }
};

}  // namespace postglass::functions
