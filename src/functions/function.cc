#include "functions/function.h"

#include <fmt/format.h>

#include <algorithm>

namespace postglass::functions {
namespace {

// Lambda's default of 3 s cuts off an intake that is slow for a moment; the forwarder's own request
// gives up after 10 s.
constexpr int kForwarderTimeoutSeconds = 30;

json::value PrincipalOf(std::string_view principal) {
  if (principal == "*") return "*";
  if (principal.find('.') != std::string_view::npos && !principal.starts_with("arn:")) {
    return json::object{{"Service", principal}};
  }
  const bool is_account =
      principal.size() == 12 && principal.find_first_not_of("0123456789") == std::string_view::npos;
  return json::object{
      {"AWS",
       is_account ? fmt::format("arn:aws:iam::{}:root", principal) : std::string(principal)}};
}

}  // namespace

std::string FunctionArn(const aws::Account& account, std::string_view name) {
  return fmt::format("arn:aws:lambda:{}:{}:function:{}", account.region, account.account_id, name);
}

json::object AddStatement(Function& function, const Permission& permission) {
  json::object statement{{"Sid", permission.statement_id}, {"Effect", "Allow"}};
  statement["Principal"] = PrincipalOf(permission.principal);
  statement["Action"] = permission.action;
  statement["Resource"] = function.arn;
  json::object condition;
  if (!permission.source_account.empty()) {
    condition["StringEquals"] = json::object{{"AWS:SourceAccount", permission.source_account}};
  }
  if (!permission.source_arn.empty()) {
    condition["ArnLike"] = json::object{{"AWS:SourceArn", permission.source_arn}};
  }
  if (!condition.empty()) statement["Condition"] = std::move(condition);

  if (function.policy.empty()) {
    function.policy = {{"Version", "2012-10-17"}, {"Id", "default"}};
    function.policy["Statement"] = json::array();
  }
  function.policy["Statement"].as_array().push_back(statement);
  return statement;
}

Function MakeForwarder(const aws::Account& account,
                       std::string_view api_key,
                       std::string_view topic_arn) {
  Function function;
  function.name = kForwarderName;
  function.arn = FunctionArn(account, kForwarderName);
  function.role = fmt::format("arn:aws:iam::{}:role/forwarder", account.account_id);
  function.description = "Sends the events of a topic to the log intake";
  function.timeout_seconds = kForwarderTimeoutSeconds;
  function.environment.emplace("DD_API_KEY", api_key);
  function.builtin = true;
  AddStatement(function,
               {"sns-mail-events",
                "lambda:InvokeFunction",
                "sns.amazonaws.com",
                std::string(topic_arn),
                {}});
  return function;
}

}  // namespace postglass::functions
