#include "query/bounce_advice.h"

#include <algorithm>
#include <array>

namespace postglass::query {
namespace {

struct Row {
  std::string_view name;
  std::string_view meaning;
  std::string_view advice;
  std::string_view actor;
};

constexpr std::array<Row, 14> kClasses = {{
    {"no_such_user",
     "The address does not exist there.",
     "Ask the customer for the right address; sending again will not help.",
     "recipient"},
    {"user_disabled",
     "The mailbox exists but is switched off.",
     "Ask the customer for another address.",
     "recipient"},
    {"mailbox_full",
     "The mailbox is full.",
     "The customer must make room; then send again.",
     "recipient"},
    {"no_such_domain",
     "The domain takes no mail.",
     "Check how the address is spelled; sending again will not help.",
     "recipient"},
    {"network_or_expired",
     "The receiving server could not be reached in time.",
     "Wait and send again; if it stays so, the customer's IT must look.",
     "receiver"},
    {"auth_failed",
     "The server could not tell that the mail is really ours (SPF, DKIM, DMARC).",
     "We must repair the authentication of our sending domain.",
     "us"},
    {"reputation",
     "The server distrusts the address that the mail was sent from.",
     "We must clear our sending reputation with the receiver.",
     "us"},
    {"content",
     "The server refused the content.",
     "We must change the mail, or the receiver must allow it.",
     "us"},
    {"rate_limited",
     "The server takes no more mail for the moment.",
     "Wait; the mail service tries again by itself, or send again later.",
     "nobody"},
    {"too_large",
     "The mail is larger than the server allows.",
     "We must send a smaller one.",
     "us"},
    {"recipient_refuses",
     "A rule of the recipient or their company refuses the mail.",
     "The customer or their IT must allow it.",
     "receiver"},
    {"remote_fault",
     "The receiving server had a fault of its own.",
     "Send again later; if it stays so, the customer's IT must look.",
     "receiver"},
    {"suppressed",
     "The address is on a suppression list, so the mail was not sent.",
     "Take the address off the list once the cause is gone, then send again.",
     "us"},
    {"unknown",
     "The server gave no reason that is known here.",
     "Show its words to an expert.",
     "us"},
}};

struct Code {
  std::string_view code;  // without the first digit
  std::string_view name;
};

constexpr std::array<Code, 18> kCodes = {{
    {"1.1", "no_such_user"},
    {"1.3", "no_such_user"},
    {"1.6", "no_such_user"},
    {"1.10", "no_such_user"},
    {"1.2", "no_such_domain"},
    {"4.4", "no_such_domain"},
    {"2.1", "user_disabled"},
    {"2.2", "mailbox_full"},
    {"3.4", "too_large"},
    {"2.3", "too_large"},
    {"4.1", "network_or_expired"},
    {"4.2", "network_or_expired"},
    {"4.7", "network_or_expired"},
    {"7.26", "auth_failed"},
    {"7.515", "auth_failed"},
    {"7.606", "reputation"},
    {"7.28", "rate_limited"},
    {"7.1", "recipient_refuses"},
}};

std::string_view ClassByCode(std::string_view status) {
  if (status.size() < 5 || status[1] != '.') return "unknown";
  const std::string_view rest = status.substr(2);
  const auto found = std::find_if(
      kCodes.begin(), kCodes.end(), [rest](const Code& code) { return code.code == rest; });
  if (found != kCodes.end()) return found->name;
  switch (rest.front()) {
    case '2':
      return "recipient_refuses";
    case '3':
    case '5':
      return "remote_fault";
    case '4':
      return "network_or_expired";
    case '6':
      return "content";
    case '7':
      return "recipient_refuses";
    default:
      return "unknown";
  }
}

}  // namespace

bool IsSuppression(std::string_view sub_type) {
  constexpr std::array<std::string_view, 5> kSubTypes = {"Suppressed",
                                                         "OnAccountSuppressionList",
                                                         "OnTenantSuppressionList",
                                                         "EmailValidationSuppressed",
                                                         "UnsubscribedRecipient"};
  return std::find(kSubTypes.begin(), kSubTypes.end(), sub_type) != kSubTypes.end();
}

BounceAdvice AdviceFor(const MailEvent& event, const MailEvent::Recipient& recipient) {
  std::string_view name = "unknown";
  if (IsSuppression(event.sub_type)) {
    name = "suppressed";
  } else if (event.recipients.size() <= 1 && !event.bounce_class.empty()) {
    name = event.bounce_class;
  } else {
    name = ClassByCode(recipient.status);
  }
  auto row = std::find_if(
      kClasses.begin(), kClasses.end(), [name](const Row& r) { return r.name == name; });
  if (row == kClasses.end()) row = std::prev(kClasses.end());
  return {std::string(row->name), std::string(row->meaning), std::string(row->advice), row->actor};
}

}  // namespace postglass::query
