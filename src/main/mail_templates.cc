#include "main/mail_templates.h"

#include <fmt/format.h>

#include <array>

namespace postglass {
namespace {

struct Template {
  std::string_view name;
  std::string_view from;
  std::string_view subject;
  std::string_view lead;    // one paragraph
  std::string_view action;  // text of the link; empty: no link
  std::string_view path;    // of the link; {} is replaced by a random token
};

constexpr std::array kTemplates = {
    Template{
        "reset",
        "Example Accounts <no-reply@accounts.example.com>",
        "Reset your password",
        "Somebody asked for a new password for your account. If it was you, choose one now; the "
        "link is good for one hour. If it was not, nothing has changed.",
        "Choose a new password",
        "reset-password?token={}"},
    Template{
        "signin",
        "Example Accounts <no-reply@accounts.example.com>",
        "Your sign-in code",
        "Enter this code to sign in. It is good for ten minutes. We never ask for it by phone.",
        "",
        ""},
    Template{"verify",
             "Example Accounts <no-reply@accounts.example.com>",
             "Confirm your e-mail address",
             "Please confirm that this address is yours, so that we can reach you.",
             "Confirm the address",
             "confirm?code={}"},
    Template{"invoice",
             "Example Billing <billing@example.com>",
             "Your invoice for this month",
             "Your invoice is ready. The amount will be taken from your account in seven days.",
             "See the invoice",
             "billing/invoices"},
    Template{"welcome",
             "Example <hello@example.com>",
             "Welcome to Example",
             "Your account is ready. Here is how to begin.",
             "Read the guide",
             "guide/first-steps"},
};

std::string Replace(std::string_view text, std::string_view value) {
  const std::size_t at = text.find("{}");
  if (at == std::string_view::npos) return std::string(text);
  return std::string(text.substr(0, at)) + std::string(value) + std::string(text.substr(at + 2));
}

}  // namespace

std::vector<std::string_view> MailTemplateNames() {
  std::vector<std::string_view> names;
  for (const Template& t : kTemplates) names.push_back(t.name);
  return names;
}

Result<MailText> MakeMail(std::string_view template_name,
                          std::string_view recipient,
                          Random& random) {
  for (const Template& t : kTemplates) {
    if (t.name != template_name) continue;
    MailText mail{std::string(t.from), std::string(t.subject), "", ""};
    std::string lead(t.lead);
    if (t.name == "signin") lead = fmt::format("{:06}\n\n{}", random.Below(1'000'000), t.lead);
    const std::string link = t.path.empty() ? ""
                                            : fmt::format("https://accounts.example.com/{}",
                                                          Replace(t.path, random.Hex(20)));
    mail.text = fmt::format("Hello,\n\n{}\n\n{}This mail was sent to {}.\n",
                            lead,
                            link.empty() ? "" : fmt::format("{}: {}\n\n", t.action, link),
                            recipient);
    mail.html = fmt::format(
        "<!doctype html><html><body style=\"font-family:sans-serif\"><h1>{}</h1><p>{}</p>{}"
        "<p style=\"color:#666\">This mail was sent to {}. "
        "<a href=\"https://example.com/help\">Help</a></p></body></html>\n",
        t.subject,
        lead,
        link.empty() ? "" : fmt::format("<p><a href=\"{}\">{}</a></p>", link, t.action),
        recipient);
    return mail;
  }
  std::string known;
  for (const Template& t : kTemplates) {
    known += fmt::format("{}{}", known.empty() ? "" : ", ", t.name);
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("there is no template {}; known: {}", template_name, known));
}

}  // namespace postglass
