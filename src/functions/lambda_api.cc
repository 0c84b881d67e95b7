#include "functions/lambda_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "aws/query_protocol.h"
#include "base/encoding.h"
#include "base/json.h"
#include "functions/lambda_document.h"

namespace postglass::functions {
namespace {

using aws::AwsError;

constexpr std::size_t kPageDefault = 50;
constexpr std::size_t kPageMax = 10'000;

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

// The value of a parameter in the query; empty when it is not there.
std::string QueryParameter(const net::HttpRequest& request, std::string_view name) {
  std::vector<std::string> values = QueryParameters(request, name);
  return values.empty() ? std::string() : std::move(values.front());
}

AwsError NoSuchFunction(const std::string& arn) {
  return {404, "ResourceNotFoundException", "Function not found: " + arn};
}

}  // namespace

LambdaApi::Call LambdaApi::CallOf(const net::HttpRequest& request) {
  Call call;
  const std::vector<std::string> parts = Segments(request.path());
  call.operation = OperationOf(request.method, parts, call);
  return call;
}

std::string LambdaApi::OperationOf(const std::string& method,
                                   const std::vector<std::string>& parts,
                                   Call& call) {
  // What the methods of a path are called; empty: not allowed.
  const auto named = [&method](std::string_view get,
                               std::string_view put,
                               std::string_view post,
                               std::string_view remove) {
    return std::string(method == "GET"      ? get
                       : method == "PUT"    ? put
                       : method == "POST"   ? post
                       : method == "DELETE" ? remove
                                            : "");
  };
  if (parts.size() < 2) return {};
  if (parts[1] == "tags" && parts.size() == 3) {
    call.function_name = parts[2];
    return named("ListTags", "", "TagResource", "UntagResource");
  }
  if (parts[1] != "functions") return {};
  if (parts.size() == 2) return named("ListFunctions", "", "CreateFunction", "");
  call.function_name = parts[2];
  if (parts.size() == 3) return named("GetFunction", "", "", "DeleteFunction");
  const std::string_view kind = parts[3];
  if (parts.size() == 5 && kind == "policy") {
    call.statement_id = parts[4];
    return named("", "", "", "RemovePermission");
  }
  if (parts.size() == 5 && kind == "event-invoke-config" && parts[4] == "list") {
    return named("ListFunctionEventInvokeConfigs", "", "", "");
  }
  if (parts.size() != 4) return {};
  if (kind == "configuration") {
    return named("GetFunctionConfiguration", "UpdateFunctionConfiguration", "", "");
  }
  if (kind == "code") return named("", "UpdateFunctionCode", "", "");
  if (kind == "versions") return named("ListVersionsByFunction", "", "", "");
  if (kind == "aliases") return named("ListAliases", "", "", "");
  if (kind == "code-signing-config") return named("GetFunctionCodeSigningConfig", "", "", "");
  if (kind == "policy") return named("GetPolicy", "", "AddPermission", "");
  if (kind == "concurrency") {
    return named(
        "GetFunctionConcurrency", "PutFunctionConcurrency", "", "DeleteFunctionConcurrency");
  }
  if (kind == "event-invoke-config") {
    return named("GetFunctionEventInvokeConfig",
                 "PutFunctionEventInvokeConfig",
                 "UpdateFunctionEventInvokeConfig",
                 "DeleteFunctionEventInvokeConfig");
  }
  if (kind == "invocations") return named("", "", "Invoke", "");
  return {};
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
  const auto fail = [](AwsError error) {
    Answer answer;
    answer.error = std::move(error);
    return answer;
  };
  if (call.operation.empty()) {
    return fail({404, "UnknownOperationException", "there is no such call here"});
  }
  if (call.operation == "ListFunctions") return ListFunctions(request.http);
  if (call.operation == "CreateFunction") return Create(request.http);
  const auto function = registry_.Find(call.function_name);
  if (!function) {
    return fail(NoSuchFunction(call.function_name.starts_with("arn:")
                                   ? call.function_name
                                   : FunctionArn(account_, FunctionNameOf(call.function_name))));
  }
  if (call.operation == "Invoke") return Invoke(function, request.http);
  if (call.operation == "UpdateFunctionConfiguration") {
    return UpdateConfiguration(*function, request.http);
  }
  if (call.operation == "UpdateFunctionCode") return UpdateCode(*function, request.http);
  if (call.operation == "DeleteFunction") return Delete(*function);
  if (call.operation == "AddPermission") return AddPermission(*function, request.http);
  if (call.operation == "RemovePermission") return RemovePermission(*function, call.statement_id);
  if (call.operation == "PutFunctionConcurrency") return PutConcurrency(*function, request.http);
  if (call.operation == "DeleteFunctionConcurrency") return DeleteConcurrency(*function);
  if (call.operation == "PutFunctionEventInvokeConfig" ||
      call.operation == "UpdateFunctionEventInvokeConfig" ||
      call.operation == "DeleteFunctionEventInvokeConfig") {
    return PutEventInvoke(call, *function, request.http);
  }
  if (call.operation == "TagResource") return Tag(*function, request.http);
  if (call.operation == "UntagResource") return Untag(*function, request.http);
  return Describe(call, *function);
}

// The calls that only look.
LambdaApi::Answer LambdaApi::Describe(const Call& call, const Function& function) const {
  Answer answer;
  json::object body;
  if (call.operation == "GetFunctionConfiguration") {
    body = Configuration(function);
  } else if (call.operation == "GetFunction") {
    body["Configuration"] = Configuration(function);
    body["Code"] = json::object{{"RepositoryType", "S3"}, {"Location", ""}};
    body["Tags"] = TagsOf(function);
    if (function.reserved_concurrency) body["Concurrency"] = ConcurrencyOf(function);
  } else if (call.operation == "ListVersionsByFunction") {
    json::object latest = Configuration(function);
    latest["FunctionArn"] = function.arn + ":$LATEST";
    json::array versions;
    versions.push_back(std::move(latest));
    body["Versions"] = std::move(versions);
  } else if (call.operation == "ListAliases") {
    body["Aliases"] = json::array();
  } else if (call.operation == "GetFunctionCodeSigningConfig") {
    body = {{"CodeSigningConfigArn", ""}, {"FunctionName", function.name}};
  } else if (call.operation == "GetFunctionConcurrency") {
    body = ConcurrencyOf(function);
  } else if (call.operation == "ListTags") {
    body["Tags"] = TagsOf(function);
  } else if (call.operation == "ListFunctionEventInvokeConfigs") {
    json::array configs;
    if (function.event_invoke) configs.push_back(EventInvokeDocument(function));
    body["FunctionEventInvokeConfigs"] = std::move(configs);
  } else if (call.operation == "GetFunctionEventInvokeConfig") {
    if (!function.event_invoke) {
      answer.error = AwsError{
          404,
          "ResourceNotFoundException",
          fmt::format("The function {}:$LATEST doesn't have an EventInvokeConfig", function.arn)};
      return answer;
    }
    body = EventInvokeDocument(function);
  } else {  // GetPolicy
    if (function.policy.empty()) {
      answer.error =
          AwsError{404, "ResourceNotFoundException", "The resource you requested does not exist."};
      return answer;
    }
    body = {{"Policy", json::Serialize(function.policy)}, {"RevisionId", function.revision_id}};
  }
  answer.body = json::Serialize(body);
  return answer;
}

LambdaApi::Answer LambdaApi::ListFunctions(const net::HttpRequest& request) const {
  const std::string after = QueryParameter(request, "Marker");
  std::size_t page = kPageDefault;
  if (const std::string text = QueryParameter(request, "MaxItems"); !text.empty()) {
    page = 0;
    for (const char c : text.substr(0, 5)) {
      if (c < '0' || c > '9') {
        page = 0;
        break;
      }
      page = page * 10 + static_cast<std::size_t>(c - '0');
    }
    Answer answer;
    answer.error = InvalidParameter("MaxItems must be a number from 1 to 10000");
    if (page == 0 || page > kPageMax || text.size() > 5) return answer;
  }
  json::array functions;
  json::object body;
  std::string last;
  for (const auto& function : registry_.List()) {
    if (!after.empty() && function->name <= after) continue;
    if (functions.size() == page) {
      body["NextMarker"] = last;
      break;
    }
    functions.push_back(Configuration(*function));
    last = function->name;
  }
  body["Functions"] = std::move(functions);
  Answer answer;
  answer.body = json::Serialize(body);
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

}  // namespace postglass::functions
