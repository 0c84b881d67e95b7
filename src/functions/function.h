#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/json.h"

namespace postglass::functions {

// A Lambda function as it is configured. The code behind each of them is the forwarder.
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
  bool builtin = false;     // takes several records in one event
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
