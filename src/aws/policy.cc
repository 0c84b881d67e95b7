#include "aws/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "aws/arn.h"
#include "aws/policy_condition.h"
#include "aws/wildcard.h"
#include "base/encoding.h"

namespace postglass::aws {
namespace {

// A member that may be one value or a list of them.
std::vector<std::string_view> StringsOf(const json::value* v) {
  std::vector<std::string_view> strings;
  if (v == nullptr) return strings;
  if (const json::string* one = v->if_string()) {
    strings.emplace_back(*one);
  } else if (const json::array* many = v->if_array()) {
    for (const json::value& item : *many) {
      if (const json::string* text = item.if_string()) strings.emplace_back(*text);
    }
  }
  return strings;
}

const json::value* Member(const json::object& o, std::string_view name) {
  const auto at = o.find(name);
  return at == o.end() ? nullptr : &at->value();
}

bool MatchesAwsPrincipal(std::string_view wanted, const PolicyRequest& request) {
  if (wanted == "*") return true;
  if (request.principal_account.empty()) return false;
  if (wanted == request.principal_account || wanted == request.principal_arn) return true;
  // The account's root ARN stands for every identity of the account.
  const std::optional<Arn> arn = ParseArn(wanted);
  return arn && arn->service == "iam" && arn->resource == "root" &&
         arn->account_id == request.principal_account;
}

bool MatchesPrincipal(const json::value& principal, const PolicyRequest& request) {
  if (const json::string* any = principal.if_string()) return *any == "*";
  const json::object* kinds = principal.if_object();
  if (kinds == nullptr) return false;
  const std::vector<std::string_view> identities = StringsOf(Member(*kinds, "AWS"));
  const std::vector<std::string_view> services = StringsOf(Member(*kinds, "Service"));
  return std::any_of(
             identities.begin(),
             identities.end(),
             [&](std::string_view wanted) { return MatchesAwsPrincipal(wanted, request); }) ||
         std::any_of(services.begin(), services.end(), [&](std::string_view wanted) {
           return !request.principal_service.empty() && wanted == request.principal_service;
         });
}

bool MatchesAny(const std::vector<std::string_view>& patterns,
                std::string_view text,
                Case letters) {
  return std::any_of(patterns.begin(), patterns.end(), [&](std::string_view pattern) {
    return MatchesWildcard(pattern, text, letters);
  });
}

bool StatementApplies(const json::object& statement, const PolicyRequest& request, Effect effect) {
  if (const json::value* principal = Member(statement, "Principal")) {
    if (!MatchesPrincipal(*principal, request)) return false;
  } else if (const json::value* others = Member(statement, "NotPrincipal")) {
    if (MatchesPrincipal(*others, request)) return false;
  } else {
    return false;  // a resource policy names whom it is about
  }
  if (const json::value* actions = Member(statement, "Action")) {
    if (!MatchesAny(StringsOf(actions), request.action, Case::kIgnored)) return false;
  } else if (const json::value* others = Member(statement, "NotAction")) {
    if (MatchesAny(StringsOf(others), request.action, Case::kIgnored)) return false;
  } else {
    return false;
  }
  if (const json::value* resources = Member(statement, "Resource")) {
    if (!MatchesAny(StringsOf(resources), request.resource, Case::kSensitive)) return false;
  } else if (const json::value* others = Member(statement, "NotResource")) {
    if (MatchesAny(StringsOf(others), request.resource, Case::kSensitive)) return false;
  }
  const json::value* condition = Member(statement, "Condition");
  return condition == nullptr || ConditionHolds(*condition, request.context, effect);
}

// The statements of a policy: a list, or one alone.
std::vector<const json::object*> StatementsOf(const json::object& policy) {
  std::vector<const json::object*> statements;
  const json::value* member = Member(policy, "Statement");
  if (member == nullptr) return statements;
  if (const json::object* one = member->if_object()) {
    statements.push_back(one);
  } else if (const json::array* many = member->if_array()) {
    for (const json::value& item : *many) {
      if (const json::object* statement = item.if_object()) statements.push_back(statement);
    }
  }
  return statements;
}

bool IsStringOrStrings(const json::value* v) {
  if (v == nullptr) return false;
  if (v->is_string()) return true;
  const json::array* many = v->if_array();
  return many != nullptr && !many->empty() &&
         std::all_of(
             many->begin(), many->end(), [](const json::value& i) { return i.is_string(); });
}

bool IsPrincipal(const json::value* v) {
  if (v == nullptr) return false;
  if (const json::string* any = v->if_string()) return *any == "*";
  const json::object* kinds = v->if_object();
  if (kinds == nullptr || kinds->empty()) return false;
  return std::all_of(kinds->begin(), kinds->end(), [](const auto& kind) {
    const std::string_view name = kind.key();
    return (name == "AWS" || name == "Service" || name == "Federated" || name == "CanonicalUser") &&
           IsStringOrStrings(&kind.value());
  });
}

Status CheckStatement(const json::object& statement, std::size_t index) {
  const auto wrong = [index](std::string_view what) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("statement {}: {}", index + 1, what));
  };
  const std::string effect = json::GetStringOr(statement, "Effect", "");
  if (effect != "Allow" && effect != "Deny") return wrong("Effect must be Allow or Deny");
  const bool names_principal = IsPrincipal(Member(statement, "Principal"));
  if (names_principal == IsPrincipal(Member(statement, "NotPrincipal"))) {
    return wrong("exactly one of Principal and NotPrincipal must be there");
  }
  const bool names_action = IsStringOrStrings(Member(statement, "Action"));
  if (names_action == IsStringOrStrings(Member(statement, "NotAction"))) {
    return wrong("exactly one of Action and NotAction must be there");
  }
  const bool names_resource = IsStringOrStrings(Member(statement, "Resource"));
  if (names_resource == IsStringOrStrings(Member(statement, "NotResource"))) {
    return wrong("exactly one of Resource and NotResource must be there");
  }
  const json::value* condition = Member(statement, "Condition");
  if (condition != nullptr && !IsConditionBlock(*condition)) {
    return wrong("Condition must be operators with keys and values");
  }
  return {};
}

}  // namespace

PolicyOutcome EvaluatePolicy(const json::object& policy, const PolicyRequest& request) {
  PolicyOutcome outcome;
  for (const json::object* statement : StatementsOf(policy)) {
    const std::string effect = json::GetStringOr(*statement, "Effect", "");
    if (effect == "Deny" && StatementApplies(*statement, request, Effect::kDeny)) {
      return {Decision::kExplicitDeny, json::GetStringOr(*statement, "Sid", "")};
    }
    if (effect == "Allow" && outcome.decision != Decision::kAllowed &&
        StatementApplies(*statement, request, Effect::kAllow)) {
      outcome = {Decision::kAllowed, json::GetStringOr(*statement, "Sid", "")};
    }
  }
  return outcome;
}

Status CheckPolicy(const json::object& policy) {
  if (Member(policy, "Version") != nullptr) {
    const std::string version = json::GetStringOr(policy, "Version", "");
    if (version != "2012-10-17" && version != "2008-10-17") {
      return Fail(ErrorCode::kInvalidArgument, "Version must be 2012-10-17 or 2008-10-17");
    }
  }
  const std::vector<const json::object*> statements = StatementsOf(policy);
  const json::array* listed = json::GetArray(policy, "Statement");
  if (statements.empty() || (listed != nullptr && listed->size() != statements.size())) {
    return Fail(ErrorCode::kInvalidArgument, "Statement must be a list of statements");
  }
  for (std::size_t i = 0; i < statements.size(); ++i) {
    RETURN_IF_ERROR(CheckStatement(*statements[i], i));
  }
  return {};
}

}  // namespace postglass::aws
