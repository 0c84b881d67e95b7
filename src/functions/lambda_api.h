#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/json.h"
#include "functions/async_queue.h"
#include "functions/code_store.h"
#include "functions/function_registry.h"
#include "functions/host.h"

namespace postglass::functions {

class Change;  // lambda_document.h

// The Lambda API: makes, shows, changes, invokes and deletes functions. Supported calls:
// docs/compat/lambda.md. Thread-safe.
class LambdaApi final : public aws::Service {
 public:
  static constexpr std::size_t kFunctionsMax = 1000;
  static constexpr std::size_t kSyncPayloadBytesMax = 6 << 20;
  static constexpr std::size_t kAsyncPayloadBytesMax = 256 << 10;

  // All must outlive it. `code` null: functions with code of their own are not taken.
  LambdaApi(aws::Account account,
            FunctionRegistry& registry,
            Host& host,
            AsyncQueue& queue,
            CodeStore* code,
            const Clock& clock)
      : account_(std::move(account)),
        registry_(registry),
        host_(host),
        queue_(queue),
        code_(code),
        clock_(clock) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  // What a request asks for, from its method and path.
  struct Call {
    std::string operation;      // "GetFunction"; empty when unknown
    std::string function_name;  // as in the path, decoded; of tag calls the ARN
    std::string statement_id;
  };

  struct Answer {
    int status = 200;
    std::string body;
    net::Headers headers;
    std::optional<aws::AwsError> error;
  };

  static Call CallOf(const net::HttpRequest& request);
  static std::string OperationOf(const std::string& method,
                                 const std::vector<std::string>& parts,
                                 Call& call);
  Answer Dispatch(const Call& call, const aws::ServiceRequest& request);
  Answer Describe(const Call& call, const Function& function) const;
  Answer ListFunctions(const net::HttpRequest& request) const;
  Answer AddPermission(const Function& function, const net::HttpRequest& request);
  Answer RemovePermission(const Function& function, const std::string& statement_id);
  // lambda_api_functions.cc
  Answer Create(const net::HttpRequest& request);
  Answer Delete(const Function& function);
  // A function as it is after a change, in the form of `show`; or why it could not be changed.
  static Answer Shown(const Result<std::shared_ptr<const Function>>& updated,
                      const Change& change,
                      json::object (*show)(const Function&));
  Answer UpdateCode(const Function& function, const net::HttpRequest& request);
  Answer UpdateConfiguration(const Function& function, const net::HttpRequest& request);
  Answer PutConcurrency(const Function& function, const net::HttpRequest& request);
  Answer DeleteConcurrency(const Function& function);
  Answer PutEventInvoke(const Call& call,
                        const Function& function,
                        const net::HttpRequest& request);
  Answer Tag(const Function& function, const net::HttpRequest& request);
  Answer Untag(const Function& function, const net::HttpRequest& request);
  std::optional<aws::AwsError> RefuseCode() const;
  // lambda_api_invoke.cc
  Answer Invoke(const std::shared_ptr<const Function>& function, const net::HttpRequest& request);

  const aws::Account account_;
  FunctionRegistry& registry_;
  Host& host_;
  AsyncQueue& queue_;
  CodeStore* const code_;
  const Clock& clock_;
};

}  // namespace postglass::functions
