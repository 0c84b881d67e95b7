#include "mail/email_templates.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "base/log.h"
#include "mail/configuration_sets.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kKind = "email_template";

std::string Encode(const EmailTemplate& kept) {
  json::object document{{"name", kept.name}, {"created_ms", kept.created_at.millis()}};
  if (kept.content.subject) document["subject"] = *kept.content.subject;
  if (kept.content.text) document["text"] = *kept.content.text;
  if (kept.content.html) document["html"] = *kept.content.html;
  json::array tags;
  for (const auto& tag : kept.tags) tags.push_back(json::array{tag.first, tag.second});
  if (!tags.empty()) document["tags"] = std::move(tags);
  return json::Serialize(document);
}

std::optional<std::string> OptionalText(const json::object& document, std::string_view name) {
  const auto text = json::GetString(document, name);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

Result<EmailTemplate> Decode(std::string_view json_text) {
  ASSIGN_OR_RETURN(const json::object document, json::ParseObject(json_text));
  EmailTemplate kept;
  kept.name = json::GetStringOr(document, "name", "");
  if (kept.name.empty()) return Fail(ErrorCode::kCorruption, "email template without a name");
  kept.created_at = Timestamp::FromMillis(json::GetInt(document, "created_ms").value_or(0));
  kept.content = {OptionalText(document, "subject"),
                  OptionalText(document, "text"),
                  OptionalText(document, "html")};
  if (const json::array* tags = json::GetArray(document, "tags")) {
    for (const json::value& tag : *tags) {
      if (!tag.is_array() || tag.as_array().size() != 2 || !tag.as_array()[0].is_string() ||
          !tag.as_array()[1].is_string()) {
        continue;
      }
      kept.tags.emplace_back(std::string(tag.as_array()[0].as_string()),
                             std::string(tag.as_array()[1].as_string()));
    }
  }
  return kept;
}

}  // namespace

SesError MissingTemplate(std::string_view name) {
  return {SesError::Kind::kTemplateDoesNotExist,
          fmt::format("Template {} does not exist.", ToValidUtf8(name))};
}

Result<std::unique_ptr<EmailTemplates>> EmailTemplates::Load(aws::Account account,
                                                             Settings& settings,
                                                             const Clock& clock) {
  std::unique_ptr<EmailTemplates> templates(
      new EmailTemplates(std::move(account), settings, clock));
  ASSIGN_OR_RETURN(const std::vector<Settings::Document> documents, settings.List(kKind));
  auto loaded = std::make_shared<Map>();
  for (const Settings::Document& document : documents) {
    Result<EmailTemplate> kept = Decode(document.json);
    if (!kept) {
      log::Error(
          "mail", "an email template cannot be read and is left out: {}", kept.error().message);
      continue;
    }
    loaded->insert_or_assign(document.key, std::make_shared<const EmailTemplate>(std::move(*kept)));
  }
  MutexLock lock(templates->mutex_);
  templates->templates_ = std::move(loaded);
  return templates;
}

std::shared_ptr<const EmailTemplates::Map> EmailTemplates::snapshot() const {
  MutexLock lock(mutex_);
  return templates_;
}

std::shared_ptr<const EmailTemplate> EmailTemplates::Find(std::string_view name) const {
  const std::shared_ptr<const Map> templates = snapshot();
  const auto it = templates->find(name);
  return it == templates->end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<const EmailTemplate>> EmailTemplates::List() const {
  const std::shared_ptr<const Map> templates = snapshot();
  std::vector<std::shared_ptr<const EmailTemplate>> list;
  list.reserve(templates->size());
  for (const auto& entry : *templates) list.push_back(entry.second);
  return list;
}

SesOutcome EmailTemplates::CheckContent(std::string_view name,
                                        const TemplateContent& content) const {
  const auto invalid = [](std::string message) {
    return SesError{SesError::Kind::kInvalidTemplate, std::move(message)};
  };
  if (!content.subject || content.subject->empty()) {
    return SesError{SesError::Kind::kInvalidParameter, "The subject must be specified."};
  }
  if (!content.text && !content.html) {
    return SesError{SesError::Kind::kInvalidParameter,
                    "The text part or the HTML part must be specified."};
  }
  if (content.size_bytes() > kTemplateBytesMax) {
    return SesError{
        SesError::Kind::kLimitExceeded,
        fmt::format(
            "Template {} is larger than {} KB.", ToValidUtf8(name), kTemplateBytesMax / 1024)};
  }
  if (const Result<ParsedContent> parsed = ParsedContent::Parse(content); !parsed) {
    return invalid(
        fmt::format("Template {} is invalid: {}.", ToValidUtf8(name), parsed.error().message));
  }
  return std::nullopt;
}

SesOutcome EmailTemplates::Replace(const std::string& name,
                                   std::shared_ptr<const EmailTemplate> next) {
  const Status written =
      next ? settings_.Put(kKind, name, Encode(*next)) : settings_.Remove(kKind, name);
  if (SesOutcome failed = FromWrite(written)) return failed;
  auto changed = std::make_shared<Map>(*snapshot());
  if (next) {
    changed->insert_or_assign(name, std::move(next));
  } else {
    changed->erase(name);
  }
  MutexLock lock(mutex_);
  templates_ = std::move(changed);
  return std::nullopt;
}

SesOutcome EmailTemplates::CheckRoom(const std::string& name,
                                     const TemplateContent& content) const {
  std::size_t count = 1;
  std::size_t bytes = content.size_bytes();
  for (const auto& entry : *snapshot()) {
    if (entry.first == name) continue;
    ++count;
    bytes += entry.second->content.size_bytes();
  }
  if (count <= kTemplatesMax && bytes <= kTemplateBytesTotalMax) return std::nullopt;
  return SesError{SesError::Kind::kLimitExceeded,
                  fmt::format("Cannot have more than {} templates, nor more than {} MB of them.",
                              kTemplatesMax,
                              kTemplateBytesTotalMax >> 20)};
}

SesOutcome EmailTemplates::Create(EmailTemplate email_template) {
  if (!IsSesName(email_template.name)) {
    return SesError{SesError::Kind::kInvalidParameter,
                    fmt::format("Invalid template name <{}>: only alphanumeric ASCII characters, "
                                "'_', and '-' are allowed, at most {}.",
                                ToValidUtf8(email_template.name),
                                kConfigurationSetNameMax)};
  }
  if (SesOutcome bad = CheckContent(email_template.name, email_template.content)) return bad;
  MutexLock lock(writers_);
  if (Find(email_template.name)) {
    return SesError{SesError::Kind::kTemplateAlreadyExists,
                    fmt::format("Template {} already exists.", email_template.name)};
  }
  if (SesOutcome full = CheckRoom(email_template.name, email_template.content)) return full;
  if (email_template.created_at == Timestamp{}) email_template.created_at = clock_.Now();
  const std::string name = email_template.name;
  return Replace(name, std::make_shared<const EmailTemplate>(std::move(email_template)));
}

SesOutcome EmailTemplates::Update(const std::string& name, TemplateContent content) {
  if (SesOutcome bad = CheckContent(name, content)) return bad;
  MutexLock lock(writers_);
  const std::shared_ptr<const EmailTemplate> found = Find(name);
  if (!found) return MissingTemplate(name);
  if (SesOutcome full = CheckRoom(name, content)) return full;
  EmailTemplate next = *found;
  next.content = std::move(content);
  return Replace(name, std::make_shared<const EmailTemplate>(std::move(next)));
}

SesOutcome EmailTemplates::UpdateTags(
    const std::string& name,
    const std::function<SesOutcome(std::vector<std::pair<std::string, std::string>>&)>& change) {
  MutexLock lock(writers_);
  const std::shared_ptr<const EmailTemplate> found = Find(name);
  if (!found) return MissingTemplate(name);
  EmailTemplate next = *found;
  if (SesOutcome refused = change(next.tags)) return refused;
  return Replace(name, std::make_shared<const EmailTemplate>(std::move(next)));
}

SesOutcome EmailTemplates::Delete(const std::string& name) {
  MutexLock lock(writers_);
  if (!Find(name)) return MissingTemplate(name);
  return Replace(name, nullptr);
}

std::string EmailTemplates::ArnOf(std::string_view name) const {
  return fmt::format("arn:aws:ses:{}:{}:template/{}", account_.region, account_.account_id, name);
}

}  // namespace postglass::mail
