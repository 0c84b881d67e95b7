#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/json.h"
#include "functions/code_store.h"

namespace postglass::functions {

// What becomes of asynchronous invocations (PutFunctionEventInvokeConfig); defaults are Lambda's.
struct EventInvokeConfig {
  std::optional<int> retries_max;            // 0 to 2; two when not set
  std::optional<int> event_age_max_seconds;  // 60 to 21600; six hours when not set
  std::string on_success_arn;                // of a queue or topic; empty: none
  std::string on_failure_arn;
  std::int64_t last_modified_ms = 0;
  bool operator==(const EventInvokeConfig&) const = default;
};

// A Lambda function as it is configured. Its code is the forwarder (`builtin`) or what came in a
// zip archive.
struct Function {
  std::string name;
  std::string arn;  // without qualifier
  std::string runtime = "provided.al2023";
  std::string handler = "bootstrap";
  std::string role;
  std::string description;
  int timeout_seconds = 3;
  int memory_megabytes = 128;
  std::map<std::string, std::string, std::less<>> environment;  // holds secrets
  json::object policy;                                          // resource policy; empty: none
  std::optional<int> reserved_concurrency;                      // 0: every invocation is throttled
  bool builtin = false;         // the forwarder; takes several records in one event
  Code code;                    // empty for the forwarder
  std::string dead_letter_arn;  // of a queue or topic for asynchronous events given up; empty: none
  std::optional<EventInvokeConfig> event_invoke;
  std::map<std::string, std::string, std::less<>> tags;
  std::string architecture = "x86_64";
  std::string tracing_mode = "PassThrough";
  int ephemeral_megabytes = 512;

  // Whether it says itself what becomes of events that fail: then they go through its own queue
  // as in Lambda, else who sent them keeps and retries them.
  bool owns_failures() const { return !dead_letter_arn.empty() || event_invoke.has_value(); }

  std::string revision_id;  // changes with every change
  std::int64_t last_modified_ms = 0;
};

inline constexpr std::string_view kForwarderName = "forwarder";

// arn:aws:lambda:REGION:ACCOUNT:function:NAME
std::string FunctionArn(const aws::Account& account, std::string_view name);

// Adds a statement that lets `principal` (a service, an account or "*") call `action`, and only for
// the source where one is given. Returns the statement. Requires: no statement has that id.
struct Permission {
  std::string statement_id;
  std::string action = "lambda:InvokeFunction";
  std::string principal;
  std::string source_arn;      // empty: any
  std::string source_account;  // empty: any
};

json::object AddStatement(Function& function, const Permission& permission);

// The forwarder as `init` makes it: sends to this server with `api_key`, and `topic_arn` may
// invoke it.
Function MakeForwarder(const aws::Account& account,
                       std::string_view api_key,
                       std::string_view topic_arn);

}  // namespace postglass::functions
