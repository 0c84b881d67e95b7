#include "bench/corpus/replies.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "bench/corpus/layout.h"

namespace postglass::bench {

namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr double kQuarantined = 1.0 / 20'000;

constexpr std::array<Refusal, kBounces> kAllBounces = {{
    {"Permanent",
     "General",
     "5.1.1",
     550,
     "550-5.1.1 The email account that you tried to reach does not exist. Please try "
     "double-checking the recipient's email address for typos or unnecessary spaces. Learn more at "
     "https://support.google.com/mail/?p=NoSuchUser ${reply} - gsmtp",
     "no_such_user",
     34,
     false,
     true},
    {"Permanent",
     "General",
     "5.5.0",
     550,
     "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [${reply}]",
     "remote_fault",
     17,
     true,
     false},
    {"Permanent",
     "General",
     "5.1.1",
     550,
     "550 5.1.1 <${recipient}>: Recipient address rejected: User unknown in virtual mailbox table",
     "no_such_user",
     12,
     true,
     false},
    {"Permanent",
     "General",
     "5.1.10",
     550,
     "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ${recipient} not found by SMTP address "
     "lookup [${reply}]",
     "no_such_user",
     8,
     false,
     false},
    {"Permanent",
     "OnAccountSuppressionList",
     "5.1.1",
     0,
     "Amazon SES did not send the message to this address because it is on the suppression list "
     "for "
     "your account. For more information about removing addresses from the suppression list, see "
     "the Amazon SES Developer Guide at "
     "https://docs.aws.amazon.com/ses/latest/DeveloperGuide/sending-email-suppression-list.html",
     "suppressed",
     5,
     false,
     false},
    {"Transient",
     "MailboxFull",
     "5.2.2",
     552,
     "552 5.2.2 The recipient's mailbox is full and over quota [${reply}]",
     "mailbox_full",
     9,
     true,
     false},
    {"Transient",
     "General",
     "5.7.1",
     554,
     "554 5.7.1 Service unavailable; Client host blocked using zen.spamhaus.org",
     "reputation",
     4,
     false,
     false},
    {"Transient",
     "ContentRejected",
     "5.7.1",
     554,
     "554 5.7.1 Message rejected as spam by content filtering (${reply})",
     "content",
     3,
     false,
     false},
    {"Transient",
     "General",
     "4.4.7",
     550,
     "550 4.4.7 Message expired: unable to deliver in 840 minutes.<421 4.4.1 Failed to establish "
     "connection>",
     "network_or_expired",
     5,
     false,
     false},
    {"Transient",
     "General",
     "5.3.0",
     554,
     "554 5.3.0 unable to relay at this time ${reply}",
     "remote_fault",
     2,
     false,
     false},
    {"Undetermined",
     "Undetermined",
     "5.0.0",
     550,
     "550 High probability of spam",
     "content",
     1,
     false,
     false},
}};

constexpr std::array<Refusal, kDelays> kAllDelays = {{
    {"MailboxFull",
     "",
     "4.2.2",
     452,
     "452 4.2.2 The recipient's mailbox is over quota [${reply}]",
     "",
     30,
     true,
     false},
    {"TransientCommunicationFailure",
     "",
     "4.4.1",
     421,
     "421 4.4.1 Unable to connect to remote host",
     "",
     35,
     false,
     false},
    {"RecipientServerError",
     "",
     "4.3.2",
     451,
     "451 4.3.2 Please try again later ${reply}",
     "",
     15,
     false,
     false},
    {"SpamDetected",
     "",
     "4.7.28",
     421,
     "421-4.7.28 Our system has detected an unusual rate of mail originating from your address. "
     "${reply} - gsmtp",
     "",
     8,
     false,
     false},
    {"General",
     "",
     "4.2.0",
     450,
     "450 4.2.0 <${recipient}>: Recipient address rejected: Greylisted for 300 seconds",
     "",
     12,
     false,
     false},
}};

template <std::size_t N>
WeightedPick PickOf(const std::array<Refusal, N>& refusals) {
  std::vector<double> weights;
  for (const Refusal& refusal : refusals) weights.push_back(refusal.weight);
  return WeightedPick(weights);
}

void AppendGoogleId(std::string& out, Draws& draws) {
  draws.AppendHex(out, 13);
  out += '-';
  draws.AppendHex(out, 11);
  out += "si";
  draws.AppendDigits(out, 8);
  draws.AppendChars(out, 3, kLower);
  out += '.';
  draws.AppendDigits(out, 3);
}

void AppendMicrosoft(std::string& out, std::string_view message_id, Draws& draws) {
  constexpr std::array<std::string_view, 6> kSites = {"AM9", "DB8", "SN6", "BYA", "CH0", "VI1"};
  out += "250 2.6.0 <";
  out += message_id;
  out += "@email.amazonses.com> [InternalId=";
  AppendNumber(out,
               10'000'000'000'000 + static_cast<std::int64_t>(draws.Next() % 90'000'000'000'000));
  out += ", Hostname=";
  out += kSites[draws.Below(kSites.size())];
  out += "PR";
  draws.AppendDigits(out, 2);
  out += "MB";
  draws.AppendDigits(out, 4);
  out += ".prod.outlook.com] ";
  AppendNumber(out, static_cast<std::int64_t>(9'000 + draws.Below(60'000)));
  out += " bytes in 0.";
  draws.AppendDigits(out, 3);
  out += ", ";
  AppendNumber(out, static_cast<std::int64_t>(20 + draws.Below(300)));
  out += '.';
  draws.AppendDigits(out, 3);
  out += " KB/sec Queued mail for delivery";
}

}  // namespace

AcceptedReply AppendAcceptedReply(std::string& out,
                                  Provider provider,
                                  std::string_view message_id,
                                  std::int64_t at_ms,
                                  Draws& draws) {
  if (draws.Chance(kQuarantined)) {
    out += "250 2.0.0 ";
    draws.AppendHex(out, 9);
    out += " Message accepted and quarantined for review";
    return {"2.0.0", false, true};
  }
  switch (provider) {
    case Provider::kGoogle:
      out += "250 2.0.0 OK  ";
      AppendNumber(out, at_ms / 1000);
      out += ' ';
      AppendGoogleId(out, draws);
      out += " - gsmtp";
      return {"2.0.0"};
    case Provider::kMicrosoft:
      AppendMicrosoft(out, message_id, draws);
      return {"2.6.0"};
    case Provider::kYahoo:
      out += "250 ok dirdel";
      return {};
    case Provider::kApple:
      out += "250 2.0.0 Ok: queued as ";
      draws.AppendChars(out, 12, kUpperHex);
      return {"2.0.0", true};
    case Provider::kGmx:
      out += "250 Requested mail action okay, completed: id=1";
      draws.AppendChars(out, 5, kBase62);
      out += "-1";
      draws.AppendChars(out, 5, kBase62);
      out += "-00";
      draws.AppendChars(out, 4, kBase62);
      return {};
    case Provider::kTelekom:
      out += "250 2.0.0 Message accepted.";
      return {"2.0.0"};
    case Provider::kPostfix:
      out += "250 2.0.0 Ok: queued as ";
      draws.AppendChars(out, 10 + draws.Below(2), kUpperHex);
      return {"2.0.0", true};
    case Provider::kExim:
      out += "250 OK id=1";
      draws.AppendChars(out, 5, kBase62);
      out += '-';
      draws.AppendChars(out, 11, kBase62);
      out += '-';
      draws.AppendChars(out, 4, kBase62);
      return {};
    case Provider::kMimecast:
      out += "250 SmtpThread-";
      draws.AppendDigits(out, 7);
      out += '-';
      AppendNumber(out, at_ms);
      out += "@uk-mta-";
      AppendNumber(out, static_cast<std::int64_t>(1 + draws.Below(320)));
      out += ".uk.mimecast.lan Received OK [";
      draws.AppendChars(out, 22, kBase62);
      out += ".uk]";
      return {};
    case Provider::kProofpoint:
      out += "250 2.0.0 ";
      draws.AppendHex(out, 10);
      out += "-1 Message accepted for delivery";
      return {"2.0.0"};
  }
  return {};
}

const Refusal& Bounce(std::size_t index) { return kAllBounces[index]; }

const Refusal& Delay(std::size_t index) { return kAllDelays[index]; }

const WeightedPick& BouncePick() {
  static const WeightedPick pick = PickOf(kAllBounces);
  return pick;
}

const WeightedPick& DelayPick() {
  static const WeightedPick pick = PickOf(kAllDelays);
  return pick;
}

void AppendRefusal(std::string& out,
                   const Refusal& refusal,
                   std::string_view recipient,
                   Draws& draws) {
  std::string_view rest = refusal.diagnostic;
  while (!rest.empty()) {
    const std::size_t at = rest.find("${");
    out += rest.substr(0, at);
    if (at == std::string_view::npos) return;
    if (rest[at + 4] == 'c') {  // ${recipient}
      out += recipient;
    } else {
      AppendGoogleId(out, draws);
    }
    rest.remove_prefix(rest.find('}', at) + 1);
  }
}

std::string_view Agent(std::size_t index) {
  static const auto agents = [] {
    std::vector<std::string> all;
    for (int major = 15; major < 19; ++major) {
      for (int minor = 0; minor < 8; ++minor) {
        all.push_back(
            fmt::format("Mozilla/5.0 (iPhone; CPU iPhone OS {}_{} like Mac OS X) "
                        "AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
                        major,
                        minor));
      }
    }
    for (int chrome = 100; all.size() < 160; ++chrome) {
      for (const char* system :
           {"Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"}) {
        all.push_back(
            fmt::format("Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) "
                        "Chrome/{}.0.0.0 Safari/537.36",
                        system,
                        chrome));
      }
    }
    for (int android = 8; all.size() < kAgents; android = android == 15 ? 8 : android + 1) {
      all.push_back(
          fmt::format("Mozilla/5.0 (Linux; Android {}; SM-A{}5F) AppleWebKit/537.36 "
                      "(KHTML, like Gecko) Chrome/{}.0.{}.{} Mobile Safari/537.36",
                      android,
                      10 + all.size() % 40,
                      90 + all.size() % 45,
                      4400 + all.size() * 7,
                      all.size() % 190));
    }
    return all;
  }();
  return agents[index];
}

}  // namespace postglass::bench
