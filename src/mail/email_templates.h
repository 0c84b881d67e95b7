#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"
#include "mail/ses_error.h"
#include "mail/templates/template_content.h"

namespace postglass::mail {

struct EmailTemplate {
  std::string name;
  Timestamp created_at;
  TemplateContent content;
  std::vector<std::pair<std::string, std::string>> tags;
  bool operator==(const EmailTemplate&) const = default;
};

// The email templates of the account: kept in Settings (kind "email_template"), read from memory.
// Thread-safe. A change is durable and visible to the next call when its call returns.
class EmailTemplates {
 public:
  // `settings` and `clock` must outlive it. Documents that cannot be read are left out and logged.
  static Result<std::unique_ptr<EmailTemplates>> Load(aws::Account account,
                                                      Settings& settings,
                                                      const Clock& clock);

  // Null when there is none.
  std::shared_ptr<const EmailTemplate> Find(std::string_view name) const;
  std::vector<std::shared_ptr<const EmailTemplate>> List() const;  // by name

  // kTemplateAlreadyExists; kInvalidTemplate when it cannot be parsed or has no subject or no body;
  // kInvalidParameter for a bad name; kLimitExceeded.
  [[nodiscard]] SesOutcome Create(EmailTemplate email_template);
  // kTemplateDoesNotExist, and as Create().
  [[nodiscard]] SesOutcome Update(const std::string& name, TemplateContent content);
  [[nodiscard]] SesOutcome UpdateTags(
      const std::string& name,
      const std::function<SesOutcome(std::vector<std::pair<std::string, std::string>>&)>& change);
  [[nodiscard]] SesOutcome Delete(const std::string& name);  // kTemplateDoesNotExist

  // arn:aws:ses:REGION:ACCOUNT:template/NAME
  std::string ArnOf(std::string_view name) const;

 private:
  using Map = std::map<std::string, std::shared_ptr<const EmailTemplate>, std::less<>>;

  EmailTemplates(aws::Account account, Settings& settings, const Clock& clock)
      : account_(std::move(account)), settings_(settings), clock_(clock) {}

  std::shared_ptr<const Map> snapshot() const;
  SesOutcome CheckContent(std::string_view name, const TemplateContent& content) const;
  SesOutcome CheckRoom(const std::string& name, const TemplateContent& content) const;
  SesOutcome Replace(const std::string& name, std::shared_ptr<const EmailTemplate> next);

  const aws::Account account_;
  Settings& settings_;
  const Clock& clock_;
  Mutex writers_;  // held over the write to Settings, as in ConfigurationSets
  mutable Mutex mutex_;
  std::shared_ptr<const Map> templates_ GUARDED_BY(mutex_) = std::make_shared<Map>();
};

// SES's text for a template that is not there.
SesError MissingTemplate(std::string_view name);

}  // namespace postglass::mail
