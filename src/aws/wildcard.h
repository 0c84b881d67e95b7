#pragma once

#include <string_view>

namespace postglass::aws {

enum class Case { kSensitive, kIgnored };  // of ASCII letters

// IAM's wildcards: '*' is any run of characters, '?' is one. Never worse than
// pattern × text steps, whatever the pattern.
bool MatchesWildcard(std::string_view pattern, std::string_view text, Case letters);

// As MatchesWildcard for each of the six parts of an ARN on its own, so that a '*' in one part
// does not swallow a colon; the resource part is everything behind the fifth colon.
bool MatchesArn(std::string_view pattern, std::string_view arn);

}  // namespace postglass::aws
