#include <fmt/format.h>

#include "mail/api/ses_errors.h"
#include "mail/api/templated_send.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail::v2 {
namespace {

constexpr std::size_t kPageMax = 100;

}  // namespace

TemplateContent ReadTemplateContent(const json::object& object) {
  const auto part = [&](std::string_view name) {
    const auto text = json::GetString(object, name);
    return text ? std::optional(std::string(*text)) : std::nullopt;
  };
  return {part("Subject"), part("Text"), part("Html")};
}

Answer CreateEmailTemplate(const Call& call) {
  const auto name = json::GetString(call.body, "TemplateName");
  if (!name || name->empty()) return V2Missing("templateName");
  const json::object* content = json::GetObject(call.body, "TemplateContent");
  if (content == nullptr) return V2Missing("templateContent");
  auto tags = ReadTags(call.body);
  if (const auto* error = std::get_if<aws::AwsError>(&tags)) return *error;
  return Done(call.backend.templates.Create(
      {std::string(*name), {}, ReadTemplateContent(*content), std::move(std::get<Tags>(tags))}));
}

Answer UpdateEmailTemplate(const Call& call) {
  const json::object* content = json::GetObject(call.body, "TemplateContent");
  if (content == nullptr) return V2Missing("templateContent");
  return Done(call.backend.templates.Update(call.path[0], ReadTemplateContent(*content)));
}

Answer DeleteEmailTemplate(const Call& call) {
  return Done(call.backend.templates.Delete(call.path[0]));
}

Answer GetEmailTemplate(const Call& call) {
  const auto found = call.backend.templates.Find(call.path[0]);
  if (!found) return V2Error(MissingTemplate(call.path[0]));
  json::object content;
  if (found->content.subject) content["Subject"] = *found->content.subject;
  if (found->content.text) content["Text"] = *found->content.text;
  if (found->content.html) content["Html"] = *found->content.html;
  return json::object{{"TemplateName", found->name},
                      {"TemplateContent", std::move(content)},
                      {"Tags", RenderTags(found->tags)}};
}

Answer ListEmailTemplates(const Call& call) {
  std::vector<std::string> names;
  for (const auto& found : call.backend.templates.List()) names.push_back(found->name);
  auto page = ReadPage(call, names, kPageMax);
  if (const auto* error = std::get_if<aws::AwsError>(&page)) return *error;
  const PageRequest& shown = std::get<PageRequest>(page);
  json::array list;
  for (const std::string& name : shown.names) {
    const auto found = call.backend.templates.Find(name);
    if (!found) continue;  // deleted meanwhile
    list.push_back(json::object{{"TemplateName", name},
                                {"CreatedTimestamp", EpochSeconds(found->created_at)}});
  }
  json::object out{{"TemplatesMetadata", std::move(list)}};
  if (!shown.next_token.empty()) out["NextToken"] = shown.next_token;
  return out;
}

Answer TestRenderEmailTemplate(const Call& call) {
  const auto text = json::GetString(call.body, "TemplateData");
  if (!text) return V2Missing("templateData");
  const auto found = call.backend.templates.Find(call.path[0]);
  if (!found) return V2Error(MissingTemplate(call.path[0]));
  const auto bad = [](std::string message) {
    return V2Error(SesError{SesError::Kind::kInvalidParameter, std::move(message)});
  };
  const Result<json::object> data = ParseTemplateData(*text);
  if (!data) {
    return bad(fmt::format("Template rendering data is invalid: {}.", data.error().message));
  }
  const Result<ParsedContent> parsed = ParsedContent::Parse(found->content);
  if (!parsed) return bad(parsed.error().message);
  Result<std::string> rendered = RenderForShow(*parsed, *data, call.backend);
  if (!rendered) return bad(rendered.error().message);
  return json::object{{"RenderedTemplate", std::move(*rendered)}};
}

}  // namespace postglass::mail::v2
