#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"
#include "functions/lambda_api.h"
#include "functions/lambda_document.h"

// The calls that make and change functions.

namespace postglass::functions {
namespace {

using aws::AwsError;

AwsError CodeTrouble(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return InvalidParameter(error.message);
    case ErrorCode::kLimit:
      return {400, "CodeStorageExceededException", error.message};
    default:
      return StoreTrouble(error);
  }
}

}  // namespace

std::optional<AwsError> LambdaApi::RefuseCode() const {
  if (code_ != nullptr) return std::nullopt;
  return AwsError{403,
                  "AccessDeniedException",
                  "functions with code of their own are off here: start the server with "
                  "functions.custom_code=true"};
}

LambdaApi::Answer LambdaApi::Create(const net::HttpRequest& request) {
  Answer answer;
  const auto body = json::ParseObject(request.body);
  if (!body) {
    answer.error = AwsError{400, "InvalidRequestContentException", body.error().message};
    return answer;
  }
  if ((answer.error = RefuseCode())) return answer;
  Function function;
  if ((answer.error = ReadNewFunction(*body, account_, function))) return answer;
  const AwsError there{
      409, "ResourceConflictException", "Function already exist: " + function.name};
  if (registry_.Find(function.name)) {
    answer.error = there;
    return answer;
  }
  if (registry_.List().size() >= kFunctionsMax) {
    answer.error = AwsError{400,
                            "CodeStorageExceededException",
                            fmt::format("there are {} functions already", kFunctionsMax)};
    return answer;
  }
  const json::object* code = json::GetObject(*body, "Code");
  ZipOrError zip = ReadZipFile(code == nullptr ? json::object() : *code);
  if ((answer.error = std::move(zip.error))) return answer;
  const auto kept = code_->Put(zip.zip);
  if (!kept) {
    answer.error = CodeTrouble(kept.error());
    return answer;
  }
  function.code = *kept;
  const auto created = registry_.Create(std::move(function));
  if (!created) {
    answer.error =
        created.error().code == ErrorCode::kAlreadyExists ? there : StoreTrouble(created.error());
    return answer;
  }
  answer.status = 201;
  answer.body = json::Serialize(Configuration(**created));
  return answer;
}

LambdaApi::Answer LambdaApi::Delete(const Function& function) {
  Answer answer;
  if (function.builtin) {
    answer.error = InvalidParameter("the built-in function cannot be deleted");
    return answer;
  }
  const Status removed = registry_.Remove(function.name);
  if (!removed && removed.error().code != ErrorCode::kNotFound) {
    answer.error = StoreTrouble(removed.error());
    return answer;
  }
  host_.Forget(function.name);
  answer.status = 204;
  return answer;
}

LambdaApi::Answer LambdaApi::Shown(const Result<std::shared_ptr<const Function>>& updated,
                                   const Change& change,
                                   json::object (*show)(const Function&)) {
  Answer answer;
  if (updated) {
    answer.body = json::Serialize(show(**updated));
  } else {
    answer.error = change.ErrorOr(updated.error());
  }
  return answer;
}

LambdaApi::Answer LambdaApi::UpdateCode(const Function& function, const net::HttpRequest& request) {
  Answer answer;
  const auto body = json::ParseObject(request.body);
  if (!body) {
    answer.error = AwsError{400, "InvalidRequestContentException", body.error().message};
    return answer;
  }
  if ((answer.error = RefuseCode())) return answer;
  if (function.builtin) {
    answer.error = InvalidParameter("the built-in function has no code of its own");
    return answer;
  }
  ZipOrError zip = ReadZipFile(*body);
  if ((answer.error = std::move(zip.error))) return answer;
  const auto kept = code_->Put(zip.zip);
  if (!kept) {
    answer.error = CodeTrouble(kept.error());
    return answer;
  }
  if (json::GetBool(*body, "DryRun").value_or(false)) {
    Function shown = function;
    shown.code = *kept;
    answer.body = json::Serialize(Configuration(shown));
    return answer;
  }
  Change change;
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    const auto revision = json::GetString(*body, "RevisionId");
    if (revision && *revision != changed.revision_id) {
      return change.Fail({412,
                          "PreconditionFailedException",
                          "The Revision Id provided does not match the latest Revision Id. Call "
                          "the GetFunction/GetAlias API to retrieve the latest Revision Id"});
    }
    changed.code = *kept;
    return {};
  });
  return Shown(updated, change, Configuration);
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
  return Shown(updated, change, Configuration);
}

LambdaApi::Answer LambdaApi::PutConcurrency(const Function& function,
                                            const net::HttpRequest& request) {
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
  return Shown(updated, change, ConcurrencyOf);
}

LambdaApi::Answer LambdaApi::DeleteConcurrency(const Function& function) {
  Answer answer;
  const auto updated = registry_.Update(function.name, [](Function& changed) -> Status {
    changed.reserved_concurrency.reset();
    return {};
  });
  answer.status = 204;
  if (!updated) answer.error = StoreTrouble(updated.error());
  return answer;
}

// Put replaces the whole, Update what it names, Delete removes it.
LambdaApi::Answer LambdaApi::PutEventInvoke(const Call& call,
                                            const Function& function,
                                            const net::HttpRequest& request) {
  Answer answer;
  const bool removes = call.operation == "DeleteFunctionEventInvokeConfig";
  const bool replaces = call.operation == "PutFunctionEventInvokeConfig";
  const auto body =
      removes ? Result<json::object>(json::object()) : json::ParseObject(request.body);
  if (!body) {
    answer.error = AwsError{400, "InvalidRequestContentException", body.error().message};
    return answer;
  }
  Change change;
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    if (!replaces && !changed.event_invoke) {
      return change.Fail(
          {404,
           "ResourceNotFoundException",
           fmt::format("The function {}:$LATEST doesn't have an EventInvokeConfig", changed.arn)});
    }
    if (removes) {
      changed.event_invoke.reset();
      return {};
    }
    EventInvokeConfig config = replaces ? EventInvokeConfig() : *changed.event_invoke;
    if (auto error = ReadEventInvoke(*body, config)) return change.Fail(*std::move(error));
    config.last_modified_ms = clock_.Now().millis();
    changed.event_invoke = std::move(config);
    return {};
  });
  if (!updated) {
    answer.error = change.ErrorOr(updated.error());
  } else if (removes) {
    answer.status = 204;
  } else {
    answer.body = json::Serialize(EventInvokeDocument(**updated));
  }
  return answer;
}

LambdaApi::Answer LambdaApi::Tag(const Function& function, const net::HttpRequest& request) {
  Answer answer;
  const auto body = json::ParseObject(request.body);
  if (!body) {
    answer.error = AwsError{400, "InvalidRequestContentException", body.error().message};
    return answer;
  }
  Change change;
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    if (auto error = ReadTags(*body, changed)) return change.Fail(*std::move(error));
    return {};
  });
  answer.status = 204;
  if (!updated) answer.error = change.ErrorOr(updated.error());
  return answer;
}

LambdaApi::Answer LambdaApi::Untag(const Function& function, const net::HttpRequest& request) {
  Answer answer;
  const std::vector<std::string> names = QueryParameters(request, "tagKeys");
  const auto updated = registry_.Update(function.name, [&](Function& changed) -> Status {
    for (const std::string& name : names) changed.tags.erase(name);
    return {};
  });
  answer.status = 204;
  if (!updated) answer.error = StoreTrouble(updated.error());
  return answer;
}

}  // namespace postglass::functions
