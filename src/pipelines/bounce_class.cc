#include "pipelines/bounce_class.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/encoding.h"

namespace postglass::pipelines {
namespace {

using Row = std::pair<std::string_view, std::string_view>;

constexpr std::array<Row, 11> kBySubType = {{{"Suppressed", "suppressed"},
                                             {"OnAccountSuppressionList", "suppressed"},
                                             {"OnTenantSuppressionList", "suppressed"},
                                             {"EmailValidationSuppressed", "suppressed"},
                                             {"UnsubscribedRecipient", "suppressed"},
                                             {"NoEmail", "no_such_user"},
                                             {"MailboxFull", "mailbox_full"},
                                             {"MessageTooLarge", "too_large"},
                                             {"ContentRejected", "content"},
                                             {"AttachmentRejected", "content"},
                                             {"CustomTimeoutExceeded", "network_or_expired"}}};

// Exact enhanced codes; the class digit is left out where both 4 and 5 mean the same.
constexpr std::array<Row, 19> kByEnhanced = {{{"5.1.1", "no_such_user"},
                                              {"5.1.3", "no_such_user"},
                                              {"5.1.6", "no_such_user"},
                                              {"5.1.10", "no_such_user"},
                                              {"5.1.2", "no_such_domain"},
                                              {"5.4.4", "no_such_domain"},
                                              {"5.2.1", "user_disabled"},
                                              {"5.4.7", "network_or_expired"},
                                              {"5.7.25", "auth_failed"},
                                              {"5.7.26", "auth_failed"},
                                              {"5.7.27", "auth_failed"},
                                              {"5.7.29", "auth_failed"},
                                              {"5.7.30", "auth_failed"},
                                              {"5.7.31", "auth_failed"},
                                              {"5.7.515", "auth_failed"},
                                              {"4.7.26", "auth_failed"},
                                              {"5.7.28", "reputation"},
                                              {"5.7.606", "reputation"},
                                              {"4.7.28", "rate_limited"}}};

constexpr std::array<std::string_view, 9> kUnknownUserWords = {"user unknown",
                                                               "unknown user",
                                                               "no such user",
                                                               "does not exist",
                                                               "doesn't exist",
                                                               "no mailbox",
                                                               "invalid recipient",
                                                               "mailbox not found",
                                                               "recipient not found"};
constexpr std::array<std::string_view, 4> kFullWords = {
    "quota", "mailbox full", "mailbox is full", "over storage"};
constexpr std::array<std::string_view, 7> kReputationWords = {
    "blocklist", "blacklist", "blocked", "reputation", "spamhaus", " listed", "poor sender"};
constexpr std::array<std::string_view, 6> kContentWords = {
    "spam", "content", "virus", "malware", "phish", "attachment"};
constexpr std::array<std::string_view, 5> kRateWords = {
    "rate", "too many", "try again later", "greylist", "throttl"};

template <std::size_t N>
bool HasAny(const std::string& text, const std::array<std::string_view, N>& words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string::npos;
  });
}

template <std::size_t N>
std::string_view LookUp(const std::array<Row, N>& rows, std::string_view key) {
  const auto found =
      std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return row.first == key; });
  return found == rows.end() ? std::string_view() : found->second;
}

std::string_view ByPolicyWords(const std::string& text, std::string_view otherwise) {
  if (HasAny(text, kReputationWords)) return "reputation";
  if (HasAny(text, kContentWords)) return "content";
  return otherwise;
}

std::string_view ByEnhancedCode(std::string_view enhanced, const std::string& text) {
  // RFC 7505: a domain that takes no mail at all answers 5.1.10 as well.
  if (enhanced == "5.1.10" && text.find("null mx") != std::string::npos) return "no_such_domain";
  if (const auto exact = LookUp(kByEnhanced, enhanced); !exact.empty()) return exact;
  const bool permanent = enhanced[0] == '5';
  const std::string_view subject = enhanced.substr(2);
  if (subject == "2.2") return "mailbox_full";
  if (subject == "2.3" || subject == "3.4") return "too_large";
  switch (subject[0]) {
    case '2':
      return "recipient_refuses";
    case '3':
      return "remote_fault";
    case '4':
      return permanent ? "remote_fault" : "network_or_expired";
    case '5':
      return permanent ? "remote_fault" : "rate_limited";
    case '6':
      return "content";
    case '7':
      return ByPolicyWords(text, permanent ? "recipient_refuses" : "rate_limited");
    default:
      return {};
  }
}

std::string_view ByReplyCode(int code, const std::string& text) {
  if (HasAny(text, kUnknownUserWords)) return "no_such_user";
  if (HasAny(text, kFullWords)) return "mailbox_full";
  switch (code) {
    case 0:
      return {};
    case 552:
      return "too_large";
    case 452:
      return "mailbox_full";
    case 421:
    case 450:
    case 451:
      return HasAny(text, kRateWords) ? "rate_limited" : ByPolicyWords(text, "remote_fault");
    case 550:
    case 553:
    case 554:
      return ByPolicyWords(text, code == 550 ? "no_such_user" : "recipient_refuses");
    default:
      return ByPolicyWords(text, {});
  }
}

}  // namespace

std::string_view ClassifyBounce(const BounceFacts& facts) {
  if (const auto found = LookUp(kBySubType, facts.sub_type); !found.empty()) return found;
  const std::string text = AsciiLower(facts.text);
  if (facts.enhanced.size() >= 5) {
    if (const auto found = ByEnhancedCode(facts.enhanced, text); !found.empty()) return found;
  }
  if (const auto found = ByReplyCode(facts.code, text); !found.empty()) return found;
  return "unknown";
}

}  // namespace postglass::pipelines
