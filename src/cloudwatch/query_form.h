#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

// The query protocol and the JSON protocol made one, for services whose shapes follow the plain
// rule: "A.member.1.B=x" is {"A":[{"B":"x"}]}.

namespace postglass::cloudwatch {

// All values are texts. kInvalidArgument: no form, or nested deeper than kDepthMax.
Result<json::object> ObjectFromForm(std::string_view form);
// Lists become <member>; numbers of members that end in Timestamp or Timestamps become ISO 8601.
std::string XmlFromObject(const json::object& output);

}  // namespace postglass::cloudwatch
