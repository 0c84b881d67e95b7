#include "mail/delivery/bounce_class.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "base/encoding.h"

namespace postglass::mail {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Only the beginning of a reply is looked at: servers quote whole mails.
constexpr std::size_t kTextMax = 4096;

class Reply {
 public:
  Reply(int code, std::string_view text)
      : code_(code),
        text_(AsciiLower(text.substr(0, kTextMax))),
        status_(EnhancedStatus(text.substr(0, kTextMax))) {}

  int code() const { return code_; }

  const std::string& status() const { return status_; }

  bool Says(std::initializer_list<std::string_view> words) const {
    return std::any_of(words.begin(), words.end(), [this](std::string_view word) {
      return text_.find(word) != std::string::npos;
    });
  }

  // Status without its class: "1.1". The class is that of the code.
  bool Is(std::initializer_list<std::string_view> details) const {
    return status_.size() > 2 &&
           std::find(details.begin(), details.end(), std::string_view(status_).substr(2)) !=
               details.end();
  }

  bool Subject(std::string_view subject) const {
    return status_.size() > 4 && std::string_view(status_).substr(2, 2) == subject;
  }

 private:
  const int code_;
  const std::string text_;
  const std::string status_;
};

struct Meaning {
  std::string_view type;
  std::string_view sub_type;
  std::string_view delay_type;
  std::string_view status_if_none;  // without the class
};

constexpr Meaning kFull{"Transient", "MailboxFull", "MailboxFull", "2.2"};
constexpr Meaning kTooLarge{"Transient", "MessageTooLarge", "General", "3.4"};
constexpr Meaning kAttachment{"Transient", "AttachmentRejected", "General", "7.0"};
constexpr Meaning kAddress{"Permanent", "General", "General", "1.1"};
constexpr Meaning kAuthentication{"Transient", "General", "General", "7.26"};
constexpr Meaning kBlocked{"Transient", "General", "IPFailure", "7.1"};
constexpr Meaning kContent{"Transient", "ContentRejected", "SpamDetected", "7.1"};
constexpr Meaning kConnection{"Transient", "General", "TransientCommunicationFailure", "4.2"};
constexpr Meaning kServer{"Transient", "General", "RecipientServerError", "3.0"};
constexpr Meaning kPolicy{"Transient", "General", "General", "7.1"};
constexpr Meaning kUnknown{"Undetermined", "Undetermined", "Undetermined", "0.0"};

// First match wins: the words of a reply say more than its numbers, particular statuses more than
// their class.
const Meaning& MeaningOf(const Reply& reply) {
  const bool permanent = reply.code() >= 500;
  if (reply.Is({"2.2"}) || reply.Says({"quota",
                                       "mailbox full",
                                       "mailbox is full",
                                       "out of storage",
                                       "insufficient storage",
                                       "exceeded storage"})) {
    return kFull;
  }
  if (reply.Is({"2.3", "3.4"}) || reply.Says({"message too large",
                                              "message too big",
                                              "size limit",
                                              "message size",
                                              "exceeds size",
                                              "too large"})) {
    return kTooLarge;
  }
  if (reply.Says({"attachment", "virus", "malware", "executable"})) return kAttachment;
  if (reply.Is({"1.1", "1.2", "1.3", "1.6", "1.8", "1.10", "2.1", "4.4"}) ||
      reply.Says({"user unknown",
                  "unknown user",
                  "no such user",
                  "does not exist",
                  "unrouteable",
                  "unroutable",
                  "mailbox unavailable",
                  "no such recipient",
                  "invalid recipient",
                  "unknown recipient",
                  "no mailbox",
                  "account disabled",
                  "mailbox disabled",
                  "mailbox not found",
                  "recipnotfound",
                  "user not found"})) {
    // A server that answers 4xx to an unknown user may know it tomorrow.
    return permanent ? kAddress : kServer;
  }
  if (reply.Is({"7.25", "7.26", "7.27", "7.28", "7.29", "7.30", "7.31", "7.515"}) && permanent) {
    return kAuthentication;
  }
  if (reply.Says({"greylist",
                  "graylist",
                  "grey list",
                  "rate limit",
                  "too many",
                  "try again later",
                  "throttl"}) &&
      !permanent) {
    return kPolicy;
  }
  if (reply.Says({"spam", "content", "unsolicited", "bulk mail", "phishing"}) &&
      !reply.Says({"spamhaus", "spamcop", "your ip", "ip address"})) {
    return kContent;
  }
  if (reply.Says({"blocklist",
                  "block list",
                  "blacklist",
                  "dnsbl",
                  "rbl",
                  "spamhaus",
                  "spamcop",
                  "s3140",
                  "s3150",
                  "blocked",
                  "your ip",
                  "ip address",
                  "banned",
                  "reputation"})) {
    return kBlocked;
  }
  if (reply.Subject("6.") || (reply.code() == 554 && reply.Says({"policy"}))) return kContent;
  if (reply.Subject("7.")) return kPolicy;
  if (reply.Subject("4.") || reply.code() == 421) return kConnection;
  if (reply.Subject("3.") || reply.code() == 451 || reply.code() == 452 || reply.code() == 450) {
    return kServer;
  }
  if (reply.Subject("1.") ||
      (reply.status().empty() &&
       (reply.code() == 550 || reply.code() == 551 || reply.code() == 553))) {
    return permanent ? kAddress : kServer;
  }
  if (reply.code() == 552) return kFull;
  if (!permanent) return kServer;
  return kUnknown;
}

}  // namespace

std::string EnhancedStatus(std::string_view text) {
  text = text.substr(0, kTextMax);
  for (std::size_t i = 0; i + 4 < text.size(); ++i) {
    // A digit of class, at the beginning of a word: not the inside of an IP address or version.
    if (i > 0 && text[i - 1] != ' ' && text[i - 1] != '-' && text[i - 1] != '#' &&
        text[i - 1] != '(' && text[i - 1] != '<') {
      continue;
    }
    if ((text[i] != '2' && text[i] != '4' && text[i] != '5') || text[i + 1] != '.') continue;
    std::size_t at = i + 2;
    std::size_t digits = 0;
    while (at < text.size() && IsDigit(text[at]) && digits < 3) ++at, ++digits;
    if (digits == 0 || at >= text.size() || text[at] != '.') continue;
    ++at;
    digits = 0;
    while (at < text.size() && IsDigit(text[at]) && digits < 3) ++at, ++digits;
    const bool ends = at == text.size() || (!IsDigit(text[at]) && text[at] != '.') ||
                      (text[at] == '.' && (at + 1 == text.size() || !IsDigit(text[at + 1])));
    if (digits > 0 && ends) return std::string(text.substr(i, at - i));
  }
  return "";
}

BounceClass ClassifyReply(int code, std::string_view text) {
  const Reply reply(code, text);
  const Meaning& meaning = MeaningOf(reply);
  const char klass = code >= 500 ? '5' : '4';
  return {std::string(meaning.type),
          std::string(meaning.sub_type),
          std::string(meaning.delay_type),
          reply.status().empty() ? fmt::format("{}.{}", klass, meaning.status_if_none)
                                 : reply.status()};
}

}  // namespace postglass::mail
