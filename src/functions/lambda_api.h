#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "functions/async_queue.h"
#include "functions/function_registry.h"
#include "functions/host.h"

namespace postglass::functions {

// The Lambda API, as far as it is needed to look at functions, to configure them, and to make them
// fail and mend them again. Supported calls: docs/compat/lambda.md. Thread-safe.
class LambdaApi final : public aws::Service {
 public:
  static constexpr std::size_t kEnvironmentBytesMax = 4096;  // Lambda quota, all variables
  static constexpr std::size_t kSyncPayloadBytesMax = 6 << 20;
  static constexpr std::size_t kAsyncPayloadBytesMax = 256 << 10;

  // All must outlive it.
  LambdaApi(aws::Account account, FunctionRegistry& registry, Host& host, AsyncQueue& queue)
      : account_(std::move(account)), registry_(registry), host_(host), queue_(queue) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  // What a request asks for, from its method and path.
  struct Call {
    std::string operation;      // "GetFunction"; empty when unknown
    std::string function_name;  // as in the path, decoded
    std::string statement_id;
  };

  struct Answer {
    int status = 200;
    std::string body;
    net::Headers headers;
    std::optional<aws::AwsError> error;
  };

  static Call CallOf(const net::HttpRequest& request);
  Answer Dispatch(const Call& call, const aws::ServiceRequest& request);
  Answer ListFunctions() const;
  Answer UpdateConfiguration(const Function& function, const net::HttpRequest& request);
  Answer AddPermission(const Function& function, const net::HttpRequest& request);
  Answer RemovePermission(const Function& function, const std::string& statement_id);
  Answer PutConcurrency(const Function& function, const net::HttpRequest& request);
  Answer Invoke(const std::shared_ptr<const Function>& function, const net::HttpRequest& request);

  const aws::Account account_;
  FunctionRegistry& registry_;
  Host& host_;
  AsyncQueue& queue_;
};

}  // namespace postglass::functions
