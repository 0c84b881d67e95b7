#pragma once

#include <string>

namespace postglass::functions {

// What one invocation of a function came to.
struct InvocationReply {
  bool succeeded = false;
  bool timed_out = false;
  std::string payload;        // its response when it succeeded, its error document when it gave one
  std::string error_type;     // else: "Runtime.ExitError", "Forwarder.ApiKeyRefused" …
  std::string error_message;  // one line
  std::string log_tail;       // the last 4 KB it wrote, where that is kept
};

// A place where a function's code runs. Thread-safe.
class Sandbox {
 public:
  virtual ~Sandbox() = default;
  // Blocks until the function has answered or its time is over.
  virtual InvocationReply Invoke(std::string event, const std::string& request_id) = 0;

  // Ends what it is doing: Invoke() returns soon, with an error. It is not usable any more.
  virtual void Interrupt() {}

  // False once it will not answer again: its process ended or was killed.
  virtual bool usable() const { return true; }
};

}  // namespace postglass::functions
