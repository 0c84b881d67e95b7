#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/result.h"

namespace postglass {

// The text of one mail as the demo, `postglass send` and the doctor make it.
struct MailText {
  std::string from;  // with display name
  std::string subject;
  std::string text;
  std::string html;
};

// Names for --template, the first is the default.
std::vector<std::string_view> MailTemplateNames();
// kInvalidArgument names the known ones.
Result<MailText> MakeMail(std::string_view template_name,
                          std::string_view recipient,
                          Random& random);

}  // namespace postglass
