#include "aws/identity_policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace postglass::aws {
namespace {

// The statements, changed one by one; those for which `change` says false are left out.
template <class F>
json::object ForEachStatement(const json::object& policy, F change) {
  json::object changed = policy;
  json::array statements;
  if (const json::value* member = policy.if_contains("Statement")) {
    const json::array listed = member->is_array() ? member->get_array() : json::array{*member};
    for (const json::value& statement : listed) {
      if (!statement.is_object()) {
        statements.push_back(statement);  // the check names it
        continue;
      }
      json::object copy = statement.get_object();
      if (change(copy)) statements.push_back(std::move(copy));
    }
  }
  changed["Statement"] = std::move(statements);
  return changed;
}

// Checks a policy that may not have one member, which CheckPolicy asks for.
Status CheckWithout(const json::object& policy, const char* member, const char* negated) {
  bool named = false;
  const json::object completed = ForEachStatement(policy, [&](json::object& statement) {
    named = named || statement.contains(member) || statement.contains(negated);
    statement[member] = "*";
    return true;
  });
  if (named) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("it must not have {}", member));
  }
  return CheckPolicy(completed);
}

bool NamesEverything(const json::value* resources) {
  if (resources == nullptr) return false;
  if (const json::string* one = resources->if_string()) return *one == "*";
  const json::array* many = resources->if_array();
  return many != nullptr && std::any_of(many->begin(), many->end(), [](const json::value& each) {
           return each.is_string() && each.get_string() == "*";
         });
}

}  // namespace

Status CheckIdentityPolicy(const json::object& policy) {
  return CheckWithout(policy, "Principal", "NotPrincipal");
}

Status CheckTrustPolicy(const json::object& policy) {
  return CheckWithout(policy, "Resource", "NotResource");
}

json::object ActionPolicy(const json::object& identity_policy) {
  return ForEachStatement(identity_policy, [](json::object& statement) {
    const bool allows = json::GetStringOr(statement, "Effect", "") == "Allow";
    if (!allows && !NamesEverything(statement.if_contains("Resource"))) return false;
    statement.erase("Resource");
    statement.erase("NotResource");
    statement["Principal"] = "*";
    return true;
  });
}

Decision EvaluateActions(const PolicySet& policies, const PolicyRequest& request) {
  Decision decision = Decision::kImplicitDeny;
  for (const auto& policy : policies) {
    const Decision each = EvaluatePolicy(*policy, request).decision;
    if (each == Decision::kExplicitDeny) return each;
    if (each == Decision::kAllowed) decision = each;
  }
  return decision;
}

}  // namespace postglass::aws
