#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "mail/templates/handlebars.h"

namespace postglass::mail {

// The parts of an email template as they are kept: UTF-8 with Handlebars in it.
struct TemplateContent {
  std::optional<std::string> subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
  bool operator==(const TemplateContent&) const = default;

  std::size_t size_bytes() const;
};

struct RenderedContent {
  std::string subject;
  std::optional<std::string> text;
  std::optional<std::string> html;
};

// A template ready to be rendered, any number of times. Immutable.
class ParsedContent {
 public:
  // kInvalidArgument names the part ("the HTML part: …") and what is wrong with it.
  static Result<ParsedContent> Parse(const TemplateContent& content);

  // Errors: those of HandlebarsTemplate::Render(). `bytes_max` is for each part.
  Result<RenderedContent> Render(const json::object& data, std::size_t bytes_max) const;

 private:
  std::optional<HandlebarsTemplate> subject_;
  std::optional<HandlebarsTemplate> text_;
  std::optional<HandlebarsTemplate> html_;
};

// The JSON object that callers give as text; empty text is an empty object. kInvalidArgument when
// it is no object; kLimit above SES's 262,144 characters.
Result<json::object> ParseTemplateData(std::string_view text);

}  // namespace postglass::mail
