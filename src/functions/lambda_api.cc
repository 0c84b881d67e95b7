#include "functions/lambda_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/query_protocol.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::functions {
namespace {

using aws::AwsError;

// Splits a path into its decoded segments.
std::vector<std::string> Segments(std::string_view path) {
  std::vector<std::string> segments;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) segments.push_back(PercentDecode(path.substr(0, slash)));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return segments;
}

AwsError InvalidParameter(std::string message) {
  return {400, "InvalidParameterValueException", std::move(message)};
}

AwsError StoreTrouble(const Error& error) {
  return {503, "ServiceException", error.message, false};
}

json::object EnvironmentOf(const Function& function) {
  json::object variables;
  for (const auto& [name, value] : function.environment) variables[name] = value;
  return variables;
}

json::object Configuration(const Function& function) {
  std::string modified = FormatIso8601Millis(Timestamp::FromMillis(function.last_modified_ms));
  modified.replace(modified.size() - 1, 1, "+0000");  // Lambda's own form
  json::object o{{"FunctionName", function.name},
                 {"FunctionArn", function.arn},
                 {"Runtime", function.runtime},
                 {"Role", function.role},
                 {"Handler", function.handler},
                 {"CodeSize", 0},
                 {"Description", function.description},
                 {"Timeout", function.timeout_seconds},
                 {"MemorySize", function.memory_megabytes},
                 {"LastModified", modified},
                 {"CodeSha256", ""},
                 {"Version", "$LATEST"},
                 {"RevisionId", function.revision_id},
                 {"State", "Active"},
                 {"LastUpdateStatus", "Successful"},
                 {"PackageType", "Zip"}};
  o["TracingConfig"] = json::object{{"Mode", "PassThrough"}};
  o["Architectures"] = json::array{"x86_64"};
  o["EphemeralStorage"] = json::object{{"Size", 512}};
  if (!function.environment.empty()) {
    o["Environment"] = json::object{{"Variables", EnvironmentOf(function)}};
  }
  return o;
}

json::object ConcurrencyOf(const Function& function) {
  json::object o;
  if (function.reserved_concurrency) {
    o["ReservedConcurrentExecutions"] = *function.reserved_concurrency;
  }
  return o;
}

bool IsStatementId(std::string_view id) {
  return !id.empty() && id.size() <= 100 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

json::array* StatementsOf(Function& function) {
  json::value* statements = function.policy.if_contains("Statement");
  return statements == nullptr ? nullptr : statements->if_array();
}

bool HasSid(const json::value& statement, std::string_view sid) {
  const json::object* o = statement.if_object();
  return o != nullptr && json::GetString(*o, "Sid") == sid;
}

// An integer member within bounds; an error that names it otherwise; nothing when it is not there.
std::optional<AwsError> ReadInt(
    const json::object& body, std::string_view name, int low, int high, int& out) {
  const json::value* v = body.if_contains(name);
  if (v == nullptr || v->is_null()) return std::nullopt;
  if (!v->is_int64() || v->get_int64() < low || v->get_int64() > high) {
    return InvalidParameter(fmt::format("{} must be a number from {} to {}", name, low, high));
  }
  out = static_cast<int>(v->get_int64());
  return std::nullopt;
}

std::optional<AwsError> ReadEnvironment(const json::object& body, Function& function) {
  const json::object* environment = json::GetObject(body, "Environment");
  if (environment == nullptr) return std::nullopt;
  const json::object* variables = json::GetObject(*environment, "Variables");
  decltype(function.environment) read;
  std::size_t bytes = 0;
  if (variables != nullptr) {
    for (const auto& variable : *variables) {
      if (!variable.value().is_string()) return InvalidParameter("Variables must be strings");
      const std::string name(variable.key());
      const bool plain = !name.empty() && (name[0] < '0' || name[0] > '9') &&
                         std::all_of(name.begin(), name.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                  (c >= '0' && c <= '9') || c == '_';
                         });
      if (!plain) return InvalidParameter(fmt::format("bad variable name \"{}\"", name));
      if (name.starts_with("AWS_LAMBDA_")) {
        return InvalidParameter(
            fmt::format("Lambda was unable to configure your environment variables because the "
                        "environment variables you have provided contains reserved keys that are "
                        "currently not supported for modification. Reserved keys used in this "
                        "request: {}",
                        name));
      }
      bytes += name.size() + variable.value().get_string().size();
      read.emplace(name, std::string(std::string_view(variable.value().get_string())));
    }
  }
  if (bytes > LambdaApi::kEnvironmentBytesMax) {
    return InvalidParameter(
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided exceeded the 4KB limit.");
  }
  function.environment = std::move(read);
  return std::nullopt;
}

std::optional<AwsError> ReadConfiguration(const json::object& body, Function& function) {
  if (const auto revision = json::GetString(body, "RevisionId");
      revision && *revision != function.revision_id) {
    return AwsError{412,
                    "PreconditionFailedException",
                    "The Revision Id provided does not match the latest Revision Id. Call the "
                    "GetFunction/GetAlias API to retrieve the latest Revision Id"};
  }
  if (auto error = ReadInt(body, "Timeout", 1, 900, function.timeout_seconds)) return error;
  if (auto error = ReadInt(body, "MemorySize", 128, 10240, function.memory_megabytes)) return error;
  function.description = json::GetStringOr(body, "Description", function.description);
  function.handler = json::GetStringOr(body, "Handler", function.handler);
  function.runtime = json::GetStringOr(body, "Runtime", function.runtime);
  function.role = json::GetStringOr(body, "Role", function.role);
  return ReadEnvironment(body, function);
}

// Update() speaks in Errors; an AwsError travels beside it.
class Change {
 public:
  Status Fail(AwsError error) {
    error_ = std::move(error);
    return ::postglass::Fail(ErrorCode::kInvalidArgument, error_->message);
  }

  AwsError ErrorOr(const Error& error) const { return error_ ? *error_ : StoreTrouble(error); }

 private:
  std::optional<AwsError> error_;
};

}  // namespace

LambdaApi::Call LambdaApi::CallOf(const net::HttpRequest& request) {
  Call call;
  const std::vector<std::string> parts = Segments(request.path());
  if (parts.size() < 2 || parts[1] != "functions") return call;
  const std::string& method = request.method;
  if (parts.size() == 2) {
    if (method == "GET") call.operation = "ListFunctions";
    if (method == "POST") call.operation = "CreateFunction";
    return call;
  }
  call.function_name = parts[2];
  const std::string_view kind = parts.size() > 3 ? std::string_view(parts[3]) : "";
  if (parts.size() == 3) {
    if (method == "GET") call.operation = "GetFunction";
    if (method == "DELETE") call.operation = "DeleteFunction";
  } else if (kind == "configuration") {
    if (method == "GET") call.operation = "GetFunctionConfiguration";
    if (method == "PUT") call.operation = "UpdateFunctionConfiguration";
  } else if (kind == "code") {
    if (method == "PUT") call.operation = "UpdateFunctionCode";
  } else if (kind == "policy") {
    if (parts.size() == 4 && method == "GET") call.operation = "GetPolicy";
    if (parts.size() == 4 && method == "POST") call.operation = "AddPermission";
    if (parts.size() == 5 && method == "DELETE") {
      call.operation = "RemovePermission";
      call.statement_id = parts[4];
    }
  } else if (kind == "concurrency") {
    if (method == "PUT") call.operation = "PutFunctionConcurrency";
    if (method == "GET") call.operation = "GetFunctionConcurrency";
    if (method == "DELETE") call.operation = "DeleteFunctionConcurrency";
  } else if (kind == "invocations") {
    if (method == "POST") call.operation = "Invoke";
  }
  return call;
}

std::string LambdaApi::ActionOf(const net::HttpRequest& request) const {
  const Call call = CallOf(request);
  if (call.operation.empty()) return {};
  return "lambda:" + (call.operation == "Invoke" ? "InvokeFunction" : call.operation);
}

net::HttpResponse LambdaApi::RenderError(const aws::ServiceRequest& request,
                                         const AwsError& error) {
  return aws::RestJsonErrorResponse(error, request.request_id);
}

net::HttpResponse LambdaApi::Handle(const aws::ServiceRequest& request) {
  Answer answer = Dispatch(CallOf(request.http), request);
  if (answer.error) return RenderError(request, *answer.error);
  net::HttpResponse response =
      aws::RestJsonResponse(answer.status, std::move(answer.body), request.request_id);
  for (const auto& [name, value] : answer.headers) response.headers.Add(name, value);
  return response;
}

LambdaApi::Answer LambdaApi::Dispatch(const Call& call, const aws::ServiceRequest& request) {
  Answer answer;
  const auto reply = [&answer](int status, const json::object& body) {
    answer.status = status;
    answer.body = json::Serialize(body);
    return answer;
  };
  const auto fail = [&answer](AwsError error) {
    answer.error = std::move(error);
    return answer;
  };
  if (call.operation == "ListFunctions") return ListFunctions();
  if (call.operation.empty() || call.operation == "CreateFunction" ||
      call.operation == "DeleteFunction" || call.operation == "UpdateFunctionCode") {
    return fail({501,
                 "UnsupportedOperationException",
                 "this call is not supported here: functions run the built-in forwarder"});
  }
  const auto function = registry_.Find(call.function_name);
  if (!function) {
    const std::string arn = call.function_name.starts_with("arn:")
                                ? call.function_name
                                : FunctionArn(account_, FunctionNameOf(call.function_name));
    return fail({404, "ResourceNotFoundException", "Function not found: " + arn});
  }
  if (call.operation == "GetFunction") {
    json::object body{{"Configuration", Configuration(*function)}};
    body["Code"] = json::object{{"RepositoryType", "S3"}, {"Location", ""}};
    body["Tags"] = json::object();
    if (function->reserved_concurrency) body["Concurrency"] = ConcurrencyOf(*function);
    return reply(200, body);
  }
  if (call.operation == "GetFunctionConfiguration") return reply(200, Configuration(*function));
  if (call.operation == "UpdateFunctionConfiguration") {
    return UpdateConfiguration(*function, request.http);
  }
  if (call.operation == "GetPolicy") {
    if (function->policy.empty()) {
      return fail({404, "ResourceNotFoundException", "The resource you requested does not exist."});
    }
    return reply(
        200,
        {{"Policy", json::Serialize(function->policy)}, {"RevisionId", function->revision_id}});
  }
  if (call.operation == "AddPermission") return AddPermission(*function, request.http);
  if (call.operation == "RemovePermission") return RemovePermission(*function, call.statement_id);
  if (call.operation == "PutFunctionConcurrency") return PutConcurrency(*function, request.http);
  if (call.operation == "GetFunctionConcurrency") return reply(200, ConcurrencyOf(*function));
  if (call.operation == "DeleteFunctionConcurrency") {
    const auto updated = registry_.Update(function->name, [](Function& changed) -> Status {
      changed.reserved_concurrency.reset();
      return {};
    });
    if (!updated) return fail(StoreTrouble(updated.error()));
    answer.status = 204;
    return answer;
  }
  return Invoke(function, request.http);
}

LambdaApi::Answer LambdaApi::ListFunctions() const {
  json::array functions;
  for (const auto& function : registry_.List()) functions.push_back(Configuration(*function));
  Answer answer;
  json::object body;
  body["Functions"] = std::move(functions);
  answer.body = json::Serialize(body);
  return answer;
}

LambdaApi::Answer LambdaApi::UpdateConfiguration(const Function& function,
                                                 const net::HttpRequest& request) {
  Answer answer;
  const auto body = json::ParseObject(request.body);
  if (!body) {
    answer.error = AwsError{400, "InvalidRequestContentException", body.error().message};
    return answer;
  }
  Change change;
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    if (auto error = ReadConfiguration(*body, changed)) return change.Fail(*std::move(error));
    return {};
  });
  if (updated) {
    answer.body = json::Serialize(Configuration(**updated));
  } else {
    answer.error = change.ErrorOr(updated.error());
  }
  return answer;
}

LambdaApi::Answer LambdaApi::AddPermission(const Function& function,
                                           const net::HttpRequest& request) {
  Answer answer;
  const auto body = json::ParseObject(request.body);
  if (!body) {
    answer.error = AwsError{400, "InvalidRequestContentException", body.error().message};
    return answer;
  }
  Permission permission;
  permission.statement_id = json::GetStringOr(*body, "StatementId", "");
  permission.action = json::GetStringOr(*body, "Action", "");
  permission.principal = json::GetStringOr(*body, "Principal", "");
  permission.source_arn = json::GetStringOr(*body, "SourceArn", "");
  permission.source_account = json::GetStringOr(*body, "SourceAccount", "");
  Change change;
  std::string statement;
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    if (!IsStatementId(permission.statement_id)) {
      return change.Fail(InvalidParameter("StatementId must match ([a-zA-Z0-9-_]+)"));
    }
    if (permission.principal.empty() ||
        !(permission.action == "*" || permission.action.starts_with("lambda:"))) {
      return change.Fail(InvalidParameter("Action and Principal are required"));
    }
    const json::array* present = StatementsOf(changed);
    if (present != nullptr &&
        std::any_of(present->begin(), present->end(), [&](const json::value& v) {
          return HasSid(v, permission.statement_id);
        })) {
      return change.Fail({409,
                          "ResourceConflictException",
                          fmt::format("The statement id ({}) provided already exists. Please "
                                      "provide a new statement id, or remove the existing "
                                      "statement.",
                                      permission.statement_id)});
    }
    statement = json::Serialize(AddStatement(changed, permission));
    return {};
  });
  if (updated) {
    answer.status = 201;
    answer.body = json::Serialize(json::object{{"Statement", statement}});
  } else {
    answer.error = change.ErrorOr(updated.error());
  }
  return answer;
}

LambdaApi::Answer LambdaApi::RemovePermission(const Function& function,
                                              const std::string& statement_id) {
  Answer answer;
  Change change;
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    json::array* present = StatementsOf(changed);
    const auto found =
        present == nullptr
            ? nullptr
            : std::find_if(present->begin(), present->end(), [&](const json::value& v) {
                return HasSid(v, statement_id);
              });
    if (present == nullptr || found == present->end()) {
      return change.Fail(
          {404,
           "ResourceNotFoundException",
           fmt::format("Statement {} is not found in resource policy.", statement_id)});
    }
    present->erase(found);
    if (present->empty()) changed.policy.clear();
    return {};
  });
  if (updated) {
    answer.status = 204;
  } else {
    answer.error = change.ErrorOr(updated.error());
  }
  return answer;
}

LambdaApi::Answer LambdaApi::PutConcurrency(const Function& function,
                                            const net::HttpRequest& request) {
  Answer answer;
  const auto body = json::ParseObject(request.body);
  Change change;
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    int limit = -1;
    if (body) {
      if (auto error = ReadInt(*body, "ReservedConcurrentExecutions", 0, 1000, limit)) {
        return change.Fail(*std::move(error));
      }
    }
    if (limit < 0) return change.Fail(InvalidParameter("ReservedConcurrentExecutions is required"));
    changed.reserved_concurrency = limit;
    return {};
  });
  if (updated) {
    answer.body = json::Serialize(ConcurrencyOf(**updated));
  } else {
    answer.error = change.ErrorOr(updated.error());
  }
  return answer;
}

LambdaApi::Answer LambdaApi::Invoke(const std::shared_ptr<const Function>& function,
                                    const net::HttpRequest& request) {
  Answer answer;
  const auto fail = [&answer](AwsError error) {
    answer.error = std::move(error);
    return answer;
  };
  const std::string_view type = request.headers.Get("X-Amz-Invocation-Type");
  const bool is_event = type == "Event";
  const std::size_t bytes_max = is_event ? kAsyncPayloadBytesMax : kSyncPayloadBytesMax;
  if (request.body.size() > bytes_max) {
    return fail({413,
                 "RequestTooLargeException",
                 fmt::format("{} byte payload is too large for the {} invocation type (limit {} "
                             "bytes)",
                             request.body.size(),
                             is_event ? "Event" : "RequestResponse",
                             bytes_max)});
  }
  const std::string event = request.body.empty() ? "{}" : request.body;
  if (!json::Parse(event)) {
    return fail({400,
                 "InvalidRequestContentException",
                 "Could not parse request body into json: the payload is not JSON"});
  }
  if (type == "DryRun") {
    answer.status = 204;
    return answer;
  }
  if (is_event) {
    if (!queue_.Add(function->name, event)) {
      return fail({429, "TooManyRequestsException", "Rate Exceeded."});
    }
    answer.status = 202;
    return answer;
  }
  if (!type.empty() && type != "RequestResponse") {
    return fail(InvalidParameter("unknown invocation type"));
  }
  Host::Outcome outcome = host_.Invoke(function, event);
  if (outcome.kind == Host::Outcome::Kind::kThrottled) {
    return fail({429, "TooManyRequestsException", "Rate Exceeded."});
  }
  answer.headers.Add("X-Amz-Executed-Version", "$LATEST");
  if (outcome.reply.succeeded) {
    answer.body = std::move(outcome.reply.payload);
    return answer;
  }
  answer.headers.Add("X-Amz-Function-Error", "Unhandled");
  answer.body = json::Serialize(json::object{{"errorMessage", outcome.reply.error_message},
                                             {"errorType", outcome.reply.error_type}});
  return answer;
}

}  // namespace postglass::functions
