#include "forwarder/runtime_client.h"

#include <fmt/format.h>

#include <charconv>
#include <thread>

#include "base/json.h"
#include "base/log.h"
#include "forwarder/api_key.h"
#include "forwarder/handler.h"

namespace postglass::forwarder {
namespace {

constexpr std::string_view kVersionPath = "/2018-06-01/runtime";
// "No client time-out": longer than any sandbox lives, short enough to be a number of nanoseconds.
constexpr std::chrono::milliseconds kNextTimeout = std::chrono::hours(24 * 30);
constexpr std::chrono::milliseconds kPostTimeout{10'000};
constexpr int kNextFailuresMax = 3;  // in a row, without an invocation between

std::string_view TextOr(const Environment& environment,
                        std::string_view name,
                        std::string_view fallback) {
  const auto found = environment.find(name);
  return found == environment.end() ? fallback : std::string_view(found->second);
}

std::string_view ErrorTypeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kPermissionDenied:
      return "Forwarder.ApiKeyRefused";
    case ErrorCode::kTimeout:
      return "Forwarder.IntakeTimeout";
    case ErrorCode::kInvalidArgument:
      return "Forwarder.BadEvent";
    default:
      return "Forwarder.IntakeUnavailable";
  }
}

std::string ErrorBody(std::string_view type, std::string_view message) {
  json::object body{{"errorMessage", message}, {"errorType", type}};
  body["stackTrace"] = json::array();
  return json::Serialize(body);
}

}  // namespace

RuntimeClient::RuntimeClient(net::HttpClient& client, std::string_view api)
    : client_(client), base_url_(fmt::format("http://{}{}", api, kVersionPath)) {}

Result<Invocation> RuntimeClient::Next() {
  net::HttpClient::Request request;
  request.url = base_url_ + "/invocation/next";
  request.timeout = kNextTimeout;
  ASSIGN_OR_RETURN(net::HttpResponse response, client_.Send(request));
  if (response.status != 200) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("the Runtime API answered {} to next", response.status));
  }
  Invocation invocation;
  invocation.request_id = response.headers.Get("Lambda-Runtime-Aws-Request-Id");
  invocation.function_arn = response.headers.Get("Lambda-Runtime-Invoked-Function-Arn");
  invocation.trace_id = response.headers.Get("Lambda-Runtime-Trace-Id");
  const std::string_view deadline = response.headers.Get("Lambda-Runtime-Deadline-Ms");
  std::from_chars(deadline.data(), deadline.data() + deadline.size(), invocation.deadline_ms);
  if (invocation.request_id.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "the Runtime API gave no request id");
  }
  invocation.event = std::move(response.body);
  return invocation;
}

Status RuntimeClient::Post(const std::string& path, std::string body, std::string_view error_type) {
  net::HttpClient::Request request;
  request.method = "POST";
  request.url = base_url_ + path;
  request.body = std::move(body);
  request.headers.Add("Content-Type", "application/json");
  if (!error_type.empty()) {
    request.headers.Add("Lambda-Runtime-Function-Error-Type", std::string(error_type));
  }
  request.timeout = kPostTimeout;
  ASSIGN_OR_RETURN(const net::HttpResponse response, client_.Send(request));
  // 400 and 403 mean that the invocation is over (time-out): there is a next one. 500 means exit.
  if (response.status < 500) return {};
  return Fail(ErrorCode::kUnavailable, fmt::format("the Runtime API answered {}", response.status));
}

Status RuntimeClient::Respond(const std::string& request_id, std::string response) {
  return Post(fmt::format("/invocation/{}/response", request_id), std::move(response), {});
}

Status RuntimeClient::RespondError(const std::string& request_id,
                                   std::string_view type,
                                   std::string_view message) {
  return Post(fmt::format("/invocation/{}/error", request_id), ErrorBody(type, message), type);
}

Status RuntimeClient::ReportInitError(std::string_view type, std::string_view message) {
  return Post("/init/error", ErrorBody(type, message), type);
}

Error ServeInvocations(RuntimeClient& api,
                       const std::function<Outcome(const Invocation&)>& handle) {
  for (int failures = 0;;) {
    const auto invocation = api.Next();
    if (!invocation) {
      // A connection that went stale while the process was frozen fails once.
      if (++failures == kNextFailuresMax) return invocation.error();
      continue;
    }
    failures = 0;
    Outcome outcome = handle(*invocation);
    const Status answered =
        outcome.succeeded
            ? api.Respond(invocation->request_id, std::move(outcome.response))
            : api.RespondError(invocation->request_id, outcome.error_type, outcome.error_message);
    if (!answered) return answered.error();
  }
}

int RunForwarder(const Environment& environment) {
  const auto runtime_api = net::MakeHttpClient({});
  const auto intake = net::MakeHttpClient({});
  return RunForwarder(environment, *runtime_api, *intake);
}

int RunForwarder(const Environment& environment,
                 net::HttpClient& runtime_api,
                 net::HttpClient& intake) {
  const std::string_view api_address = TextOr(environment, "AWS_LAMBDA_RUNTIME_API", "");
  if (api_address.empty()) {
    log::Error("forwarder", "AWS_LAMBDA_RUNTIME_API is not set: this runs in a Lambda sandbox");
    return 2;
  }
  RuntimeClient api(runtime_api, api_address);
  const SystemClock clock;
  const auto fail = [&api](const Error& error) {
    log::Error("forwarder", "{}", error.message);
    const Status reported = api.ReportInitError("Forwarder.BadConfig", error.message);
    if (!reported) log::Error("forwarder", "{}", reported.error().message);
    return 2;
  };
  Environment complete = environment;
  if (const Status found = FindApiKey(complete, intake, clock); !found) return fail(found.error());
  auto config = Config::FromEnvironment(complete);
  if (!config) return fail(config.error());
  Handler handler(*std::move(config), intake, &clock, [](std::chrono::milliseconds pause) {
    std::this_thread::sleep_for(pause);
  });
  FunctionContext context;
  context.name = TextOr(environment, "AWS_LAMBDA_FUNCTION_NAME", "forwarder");
  context.version = TextOr(environment, "AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
  const Error end = ServeInvocations(api, [&](const Invocation& invocation) {
    context.invoked_arn = invocation.function_arn;
    if (invocation.deadline_ms > 0) {
      context.deadline = Timestamp::FromMillis(invocation.deadline_ms);
    }
    auto report = handler.Handle(invocation.event, context);
    if (!report) {
      log::Error("forwarder", "{}", report.error().message);
      return Outcome{
          false, {}, std::string(ErrorTypeOf(report.error().code)), report.error().message};
    }
    if (report->dead_lettered > 0) {
      log::Error("forwarder", "the intake refused {} logs for good", report->dead_lettered);
    }
    return Outcome{true, std::move(report->response), {}, {}};
  });
  log::Info("forwarder", "ending: {}", end.message);
  return 1;
}

}  // namespace postglass::forwarder
