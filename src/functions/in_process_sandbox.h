#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "forwarder/handler.h"
#include "functions/function.h"
#include "functions/sandbox.h"
#include "net/http_client.h"

namespace postglass::functions {

// Runs the forwarder's handler in this process, for the embedded default: the same code that the
// child process and the real Lambda run, without the sockets between. Any number of invocations run
// at once.
class InProcessSandbox final : public Sandbox {
 public:
  // `client` must outlive it. kInvalidArgument when the environment is not usable.
  static Result<std::unique_ptr<InProcessSandbox>> Create(const Function& function,
                                                          const forwarder::Environment& environment,
                                                          net::HttpClient& client);

  InvocationReply Invoke(std::string event, const std::string& request_id) override;

 private:
  InProcessSandbox(forwarder::Config config,
                   net::HttpClient& client,
                   forwarder::FunctionContext context)
      : handler_(std::move(config), client), context_(std::move(context)) {}

  forwarder::Handler handler_;
  const forwarder::FunctionContext context_;
};

}  // namespace postglass::functions
