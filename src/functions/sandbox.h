#pragma once

#include <string>

namespace postglass::functions {

// What one invocation of a function came to.
struct InvocationReply {
  bool succeeded = false;
  bool timed_out = false;
  std::string payload;        // the function's response when it succeeded
  std::string error_type;     // else: "Runtime.ExitError", "Forwarder.ApiKeyRefused" …
  std::string error_message;  // one line
};

// A place where a function's code runs. Thread-safe.
class Sandbox {
 public:
  virtual ~Sandbox() = default;
  // Blocks until the function has answered or its time is over.
  virtual InvocationReply Invoke(std::string event) = 0;
};

}  // namespace postglass::functions
