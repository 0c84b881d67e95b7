#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::bench {

// Who sends: one customer of the platform whose mail this is.
struct Tenant {
  std::string name;
  std::string domain;
  std::string region;
  std::string account;  // of AWS
  double weight = 0;
};

// Which program wrote the mail; decides its headers.
enum class Mailer { kSesApi, kJavaMail, kNodemailer };

// What is sent: one template of a mail. Subjects hold ${first}, ${order}, ${amount}, ${code},
// ${city}, ${product}, ${weekday}, which the draws of a mail replace.
struct Template {
  std::string_view name;
  std::string_view category;     // part of the configuration set
  std::string_view subject;      // decoded
  std::string_view raw_subject;  // as in the header; empty: the same
  std::string_view path;         // of the links
  Mailer mailer = Mailer::kSesApi;
  double weight = 0;
};

inline constexpr std::size_t kTenants = 48;
inline constexpr std::size_t kTemplates = 36;
inline constexpr std::size_t kSourceIps = 6;  // that all tenants' programs send from

const std::array<Tenant, kTenants>& Tenants();
const std::array<Template, kTemplates>& Templates();
std::string SourceIp(std::size_t index);

// Of the mails of this tenant and template.
std::string ConfigurationSet(const Tenant& tenant, const Template& what);
// The pattern of the mail object, see layout.h. The outgoing address is known only once SES has
// connected; a mail that could not be rendered has no headers.
enum class MailForm { kAccepted, kConnected, kNotRendered };
std::string MailPattern(const Tenant& tenant, const Template& what, MailForm form);
// Members "local_id" to "tags" of the normalised view's `email`, and its "headers".
std::string EmailPattern(const Tenant& tenant, const Template& what, MailForm form);
std::string EmailHeadersPattern(const Tenant& tenant, const Template& what, MailForm form);

// Draws the subject's variables. Appends to both texts.
class Draws;
void AppendSubject(const Template& what, Draws draws, std::string& subject, std::string& raw);

}  // namespace postglass::bench
