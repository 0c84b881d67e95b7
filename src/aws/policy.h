#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

// IAM resource policies, evaluated for real: topics and functions decide by them who may publish
// and invoke. Rules: IAM User Guide, "Policy evaluation logic".

namespace postglass::aws {

struct PolicyRequest {
  std::string principal_service;  // "ses.amazonaws.com"; empty when an account calls
  std::string principal_account;  // 12 digits; empty when a service calls
  std::string principal_arn;      // of the user or role, when an account calls
  std::string action;             // "sns:Publish"; compared without regard to case
  std::string resource;           // ARN
  std::map<std::string, std::string, std::less<>> context;  // "aws:SourceArn" …; any case
};

enum class Decision { kAllowed, kImplicitDeny, kExplicitDeny };

struct PolicyOutcome {
  Decision decision = Decision::kImplicitDeny;
  std::string statement_id;  // Sid of the statement that decided, when it has one
};

// Condition operators: String*, Arn*, Bool, IpAddress, NotIpAddress, Null, Numeric*, Date*, with
// IfExists and ForAnyValue/ForAllValues. An unknown operator never matches (and Deny by it holds).
PolicyOutcome EvaluatePolicy(const json::object& policy, const PolicyRequest& request);

// Checks grammar: Version, Statement, Effect, Action, Resource, Principal. kInvalidArgument says
// which part is wrong.
Status CheckPolicy(const json::object& policy);

}  // namespace postglass::aws
