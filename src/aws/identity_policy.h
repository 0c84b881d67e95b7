#pragma once

#include <memory>
#include <string>
#include <vector>

#include "aws/policy.h"
#include "base/json.h"
#include "base/result.h"

// Policies of roles and sessions: what their holder may call.

namespace postglass::aws {

// Checks the grammar: as CheckPolicy, but without Principal (identity policies) or without Resource
// (trust policies, which say who may assume a role). kInvalidArgument says which part is wrong.
Status CheckIdentityPolicy(const json::object& policy);
Status CheckTrustPolicy(const json::object& policy);

// An identity policy reduced to what is decided before a service looks at the request: its actions.
// The resources of an Allow are left out, and a Deny of some resources only with them: what it says
// of single resources is not enforced.
json::object ActionPolicy(const json::object& identity_policy);

// Made by ActionPolicy(); one of them must allow, none may deny.
using PolicySet = std::vector<std::shared_ptr<const json::object>>;
Decision EvaluateActions(const PolicySet& policies, const PolicyRequest& request);

}  // namespace postglass::aws
