#include <fmt/format.h>

#include "base/time_format.h"
#include "mail/api/paging.h"
#include "mail/api/ses_errors.h"
#include "mail/api/templated_send.h"
#include "mail/api/v1_operations.h"

namespace postglass::mail::v1 {
namespace {

constexpr std::size_t kPageMax = 100;

TemplateContent ReadContent(const Call& call) {
  const auto part = [&](std::string_view name) {
    const auto text = call.params.Find(name);
    return text ? std::optional(std::string(*text)) : std::nullopt;
  };
  return {part("Template.SubjectPart"), part("Template.TextPart"), part("Template.HtmlPart")};
}

}  // namespace

Answer CreateTemplate(const Call& call) {
  const std::string_view name = call.params.Get("Template.TemplateName");
  if (name.empty()) return V1Missing("template.templateName");
  return Done(call.backend.templates.Create({std::string(name), {}, ReadContent(call), {}}));
}

Answer UpdateTemplate(const Call& call) {
  const std::string name(call.params.Get("Template.TemplateName"));
  if (name.empty()) return V1Missing("template.templateName");
  return Done(call.backend.templates.Update(name, ReadContent(call)));
}

Answer DeleteTemplate(const Call& call) {
  const std::string name(call.params.Get("TemplateName"));
  if (name.empty()) return V1Missing("templateName");
  SesOutcome outcome = call.backend.templates.Delete(name);
  // v1 deletes what is not there without complaint.
  if (outcome && outcome->kind == SesError::Kind::kTemplateDoesNotExist) return std::string();
  return Done(outcome);
}

Answer GetTemplate(const Call& call) {
  const std::string_view name = call.params.Get("TemplateName");
  if (name.empty()) return V1Missing("templateName");
  const auto found = call.backend.templates.Find(name);
  if (!found) return V1Error(MissingTemplate(name));
  aws::XmlWriter xml;
  xml.Open("Template").Text("TemplateName", found->name);
  const TemplateContent& content = found->content;
  if (content.subject) xml.Text("SubjectPart", *content.subject);
  if (content.text) xml.Text("TextPart", *content.text);
  if (content.html) xml.Text("HtmlPart", *content.html);
  return std::move(xml).Finish();
}

Answer ListTemplates(const Call& call) {
  std::vector<std::string> names;
  for (const auto& found : call.backend.templates.List()) names.push_back(found->name);
  const auto size = ParsePageSize(call.params.Get("MaxItems"), kPageMax);
  if (!size) {
    return V1Invalid(
        "maxItems", call.params.Get("MaxItems"), fmt::format("be between 1 and {}", kPageMax));
  }
  const auto page = PageOf(names, call.params.Get("NextToken"), *size);
  if (!page) {
    return aws::AwsError{400, "InvalidParameterValue", "Next token is invalid.", true};
  }
  aws::XmlWriter xml;
  xml.Open("TemplatesMetadata");
  for (const std::string& name : page->names) {
    const auto found = call.backend.templates.Find(name);
    if (!found) continue;  // deleted meanwhile
    xml.Open("member").Text("Name", name);
    xml.Text("CreatedTimestamp", FormatIso8601Millis(found->created_at)).Close();
  }
  xml.Close();
  if (!page->next_token.empty()) xml.Text("NextToken", page->next_token);
  return std::move(xml).Finish();
}

Answer TestRenderTemplate(const Call& call) {
  const std::string_view name = call.params.Get("TemplateName");
  if (name.empty()) return V1Missing("templateName");
  if (!call.params.Find("TemplateData")) return V1Missing("templateData");
  const auto found = call.backend.templates.Find(name);
  if (!found) return V1Error(MissingTemplate(name));
  const Result<json::object> data = ParseTemplateData(call.params.Get("TemplateData"));
  if (!data) {
    return aws::AwsError{
        400,
        "InvalidRenderingParameter",
        fmt::format("Template rendering data is invalid: {}.", data.error().message),
        true};
  }
  const Result<ParsedContent> parsed = ParsedContent::Parse(found->content);
  const Result<std::string> rendered = parsed ? RenderForShow(*parsed, *data, call.backend)
                                              : Result<std::string>(Fail(parsed.error()));
  if (!rendered) {
    const bool missing = rendered.error().code == ErrorCode::kNotFound;
    return aws::AwsError{400,
                         missing ? "MissingRenderingAttribute" : "InvalidRenderingParameter",
                         rendered.error().message,
                         true};
  }
  aws::XmlWriter xml;
  xml.Text("RenderedTemplate", *rendered);
  return std::move(xml).Finish();
}

}  // namespace postglass::mail::v1
