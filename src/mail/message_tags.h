#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mail/types.h"

namespace postglass::mail {

// The value of X-SES-MESSAGE-TAGS: "name1=value1, name2=value2". Parts without '=' become names
// without value, which CheckMessageTags() then refuses.
std::vector<MessageTag> ParseMessageTagsHeader(std::string_view value);

// SES's text for the first bad tag, names before values; nothing when all are good.
std::optional<std::string> CheckMessageTags(const std::vector<MessageTag>& tags);

}  // namespace postglass::mail
