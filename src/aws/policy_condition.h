#pragma once

#include <map>
#include <string>

#include "base/json.h"

// The Condition block of a policy statement: operators → keys → values. Rules: IAM User Guide,
// "IAM JSON policy elements: Condition operators". All operators and keys must hold; of the values
// of one key one must (with a negated operator: none may).

namespace postglass::aws {

enum class Effect { kAllow, kDeny };

using PolicyContext = std::map<std::string, std::string, std::less<>>;

// `effect` decides what an operator that is not known here means: it never grants, always denies.
bool ConditionHolds(const json::value& condition, const PolicyContext& context, Effect effect);

// An object of objects whose members are values or lists of values.
bool IsConditionBlock(const json::value& condition);

}  // namespace postglass::aws
