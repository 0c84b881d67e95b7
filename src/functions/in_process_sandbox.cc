#include "functions/in_process_sandbox.h"

namespace postglass::functions {

Result<std::unique_ptr<InProcessSandbox>> InProcessSandbox::Create(
    const Function& function, const forwarder::Environment& environment, net::HttpClient& client) {
  ASSIGN_OR_RETURN(forwarder::Config config, forwarder::Config::FromEnvironment(environment));
  return std::unique_ptr<InProcessSandbox>(
      new InProcessSandbox(std::move(config), client, {function.name, function.arn, "$LATEST"}));
}

InvocationReply InProcessSandbox::Invoke(std::string event, const std::string&) {
  auto report = handler_.Handle(event, context_);
  InvocationReply reply;
  if (report) {
    reply.succeeded = true;
    reply.payload = std::move(report->response);
  } else {
    reply.error_type = "Forwarder.Error";
    reply.error_message = std::move(report.error().message);
  }
  return reply;
}

}  // namespace postglass::functions
