#include "mail/templates/template_content.h"

#include <fmt/format.h>

namespace postglass::mail {
namespace {

constexpr std::size_t kTemplateDataBytesMax = 262'144;  // SES

Status ParsePart(const std::optional<std::string>& text,
                 std::string_view name,
                 std::optional<HandlebarsTemplate>& out) {
  if (!text) return {};
  Result<HandlebarsTemplate> parsed = HandlebarsTemplate::Parse(*text);
  if (!parsed) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the {}: {}", name, parsed.error().message));
  }
  out = std::move(*parsed);
  return {};
}

}  // namespace

std::size_t TemplateContent::size_bytes() const {
  return (subject ? subject->size() : 0) + (text ? text->size() : 0) + (html ? html->size() : 0);
}

Result<ParsedContent> ParsedContent::Parse(const TemplateContent& content) {
  ParsedContent parsed;
  RETURN_IF_ERROR(ParsePart(content.subject, "subject", parsed.subject_));
  RETURN_IF_ERROR(ParsePart(content.text, "text part", parsed.text_));
  RETURN_IF_ERROR(ParsePart(content.html, "HTML part", parsed.html_));
  return parsed;
}

Result<RenderedContent> ParsedContent::Render(const json::object& data,
                                              std::size_t bytes_max) const {
  const RenderLimits limits{.bytes_max = bytes_max};
  RenderedContent rendered;
  if (subject_) {
    ASSIGN_OR_RETURN(rendered.subject, subject_->Render(data, limits));
  }
  if (text_) {
    ASSIGN_OR_RETURN(rendered.text, text_->Render(data, limits));
  }
  if (html_) {
    ASSIGN_OR_RETURN(rendered.html, html_->Render(data, limits));
  }
  return rendered;
}

Result<json::object> ParseTemplateData(std::string_view text) {
  if (text.empty()) return json::object();
  if (text.size() > kTemplateDataBytesMax) {
    return Fail(ErrorCode::kLimit,
                fmt::format("template data is longer than {} characters", kTemplateDataBytesMax));
  }
  return json::ParseObject(text);
}

}  // namespace postglass::mail
