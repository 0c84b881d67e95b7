#include "mail/delivery/server_words.h"

#include <fmt/format.h>

#include <array>

#include "base/time_format.h"
#include "mail/delivery/recipient_groups.h"

namespace postglass::mail {
namespace {

// Placeholders of a text: $R recipient, $D its domain, $M message id, $T unix time, $S bytes,
// $H<n> hex digits, $N<n> digits, $A<n> letters and digits, $U<n> capitals and digits, $C a date.
struct Words {
  std::string_view text;
  std::string_view status;
  std::string_view host;
  std::string_view delay_type = "";
};

constexpr std::array<Words, 6> kAccepted = {{
    {"250 2.0.0 OK  $T $A13-$H13si$N7plb.$N3 - gsmtp", "2.0.0", "gmail-smtp-in.l.google.com"},
    {"250 2.6.0 <$M@email.amazonses.com> [InternalId=$N13, "
     "Hostname=$U10.eurprd0$N1.prod.outlook.com] $S bytes in 0.$N3, $N2.$N3 KB/sec Queued mail "
     "for delivery -> 250 2.1.5",
     "2.6.0",
     "$D.mail.protection.outlook.com"},
    {"250 ok dirdel", "2.0.0", "mx-eu.mail.am0.yahoodns.net"},
    {"250 2.0.0 Ok: queued as 4$A14", "2.0.0", "mx1.$D"},
    {"250 OK id=1$A5-$N11-$A4", "2.0.0", "mail.$D"},
    {"250 2.0.0 Message accepted for delivery $H8-$H4-$H4", "2.0.0", "mx0a.$D"},
}};

constexpr std::array<Words, 5> kUnknownUser = {{
    {"550-5.1.1 The email account that you tried to reach does not exist. Please try "
     "double-checking the recipient's email address for typos or unnecessary spaces. For more "
     "information, go to 550 5.1.1  https://support.google.com/mail/?p=NoSuchUser "
     "$A13-$H13si$N7plb.$N3 - gsmtp",
     "5.1.1",
     "gmail-smtp-in.l.google.com"},
    {"550 5.1.1 RESOLVER.ADR.RecipNotFound; not found [$U10.eurprd0$N1.prod.outlook.com $C "
     "$H16]",
     "5.1.1",
     "$D.mail.protection.outlook.com"},
    {"550 5.1.1 user unknown: this user doesn't have a $D account ($R) [0] - "
     "mta$N4.mail.ir2.yahoo.com",
     "5.1.1",
     "mx-eu.mail.am0.yahoodns.net"},
    {"550 5.1.1 <$R>: Recipient address rejected: User unknown in virtual mailbox table",
     "5.1.1",
     "mx1.$D"},
    {"550 5.1.1 <$R>: No such user here", "5.1.1", "mail.$D"},
}};

constexpr std::array<Words, 5> kTemporarilyRefused = {{
    {"421-4.7.28 Our system has detected an unusual rate of unsolicited mail originating from "
     "your IP address. To protect our users from spam, mail sent from your IP address has been "
     "temporarily rate limited. 421 4.7.28 $A13-$H13si$N7plb.$N3 - gsmtp",
     "4.7.28",
     "gmail-smtp-in.l.google.com"},
    {"451 4.7.500 Server busy. Please try again later from [192.0.2.$N2]. (S77714) "
     "[$U10.eurprd0$N1.prod.outlook.com $C]",
     "4.7.500",
     "$D.mail.protection.outlook.com"},
    {"421 4.7.0 [TSS04] Messages from 192.0.2.$N2 temporarily deferred due to unexpected volume "
     "or user complaints - 4.16.55.1",
     "4.7.0",
     "mx-eu.mail.am0.yahoodns.net"},
    {"451 4.3.0 <$R>: Temporary lookup failure", "4.3.0", "mx1.$D"},
    {"451 4.3.2 Temporary local problem - please try later", "4.3.2", "mail.$D"},
}};

constexpr std::array<Words, 5> kMailboxFull = {{
    {"452-4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to "
     "452 4.2.2  https://support.google.com/mail/?p=OverQuotaTemp $A13-$H13si$N7plb.$N3 - gsmtp",
     "4.2.2",
     "gmail-smtp-in.l.google.com"},
    {"552 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException.MapiException"
     "ShutoffQuotaExceeded [$U10.eurprd0$N1.prod.outlook.com $C]",
     "5.2.2",
     "$D.mail.protection.outlook.com"},
    {"552 5.2.2 $R mailbox is over quota", "5.2.2", "mx-eu.mail.am0.yahoodns.net"},
    {"552 5.2.2 <$R>: Recipient address rejected: Mailbox is full / over quota", "5.2.2", "mx1.$D"},
    {"452 4.2.2 <$R> Mailbox over quota: retry timeout exceeded", "4.2.2", "mail.$D"},
}};

constexpr std::array<Words, 5> kDelayed = {{
    {"451-4.3.0 Mail server temporarily rejected message. For more information, go to "
     "451 4.3.0  https://support.google.com/a/answer/3221692 $A13-$H13si$N7plb.$N3 - gsmtp",
     "4.3.0",
     "gmail-smtp-in.l.google.com",
     "RecipientServerError"},
    {"451 4.7.500 Server busy. Please try again later from [192.0.2.$N2]. (S77719) "
     "[$U10.eurprd0$N1.prod.outlook.com $C]",
     "4.7.500",
     "$D.mail.protection.outlook.com",
     "General"},
    {"421 4.7.0 [TSS04] Messages from 192.0.2.$N2 temporarily deferred due to unexpected volume "
     "or user complaints - 4.16.55.1",
     "4.7.0",
     "mx-eu.mail.am0.yahoodns.net",
     "SpamDetected"},
    {"450 4.7.1 <$R>: Recipient address rejected: Greylisted, see "
     "http://postgrey.schweikert.ch/help/$D.html",
     "4.7.1",
     "mx1.$D",
     "General"},
    {"421 4.4.1 Unable to connect to remote host",
     "4.4.1",
     "mail.$D",
     "TransientCommunicationFailure"},
}};

constexpr std::array<Words, 2> kGaveUp = {{
    {"550 4.4.7 Message expired: unable to deliver in 840 minutes. <421 4.4.1 Unable to connect "
     "to remote host>",
     "4.4.7",
     "mx1.$D"},
    {"550 4.4.7 Message expired: unable to deliver in 840 minutes. <451 4.3.0 Temporary server "
     "error. Please try again later>",
     "4.4.7",
     "mail.$D"},
}};

template <std::size_t N>
const Words& Choose(const std::array<Words, N>& words, std::uint64_t hash) {
  return words[hash % N];
}

const Words& WordsFor(ServerSays what, std::uint64_t hash) {
  switch (what) {
    case ServerSays::kAccepted:
      return Choose(kAccepted, hash);
    case ServerSays::kUnknownUser:
      return Choose(kUnknownUser, hash);
    case ServerSays::kTemporarilyRefused:
      return Choose(kTemporarilyRefused, hash);
    case ServerSays::kMailboxFull:
      return Choose(kMailboxFull, hash);
    case ServerSays::kDelayed:
      return Choose(kDelayed, hash);
    case ServerSays::kGaveUp:
      break;
  }
  return Choose(kGaveUp, hash);
}

struct Fill {
  std::string_view message_id;
  std::string_view recipient;
  std::size_t message_bytes;
  Timestamp now;
};

std::string Expand(std::string_view text, const Fill& fill, TextHash& hash) {
  constexpr std::string_view kAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kCapitals = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char kind = text[++i];
    std::size_t count = 0;
    while (i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '9') {
      count = count * 10 + static_cast<std::size_t>(text[++i] - '0');
    }
    switch (kind) {
      case 'R':
        out += fill.recipient;
        break;
      case 'D':
        out += DomainOf(fill.recipient);
        break;
      case 'M':
        out += fill.message_id;
        break;
      case 'T':
        out += std::to_string(fill.now.millis() / 1000);
        break;
      case 'S':
        out += std::to_string(fill.message_bytes);
        break;
      case 'C':
        out += FormatIso8601Millis(fill.now);
        break;
      default: {
        const std::string_view digits = kind == 'H'   ? kAlphabet.substr(0, 16)
                                        : kind == 'N' ? kAlphabet.substr(0, 10)
                                        : kind == 'U' ? kCapitals
                                                      : kAlphabet;
        for (; count > 0; --count) out += digits[hash.Below(digits.size())];
      }
    }
  }
  return out;
}

}  // namespace

TextHash& TextHash::Mix(std::string_view text) {
  for (const char c : text) {
    state_ = (state_ ^ static_cast<std::uint8_t>(c)) * 0x100000001B3ULL;
  }
  state_ ^= text.size();
  return *this;
}

std::uint64_t TextHash::Next() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

ServerReply WhatServerSays(ServerSays what,
                           std::string_view message_id,
                           std::string_view recipient,
                           std::size_t message_bytes,
                           Timestamp now) {
  // The server is the recipient's; queue ids differ from mail to mail.
  TextHash server(recipient);
  const std::uint64_t choice = server.Next();
  const std::string ip = fmt::format("192.0.2.{}", 1 + server.Below(254));
  const Words& words = WordsFor(what, choice);
  TextHash hash(message_id);
  hash.Mix(recipient);
  const Fill fill{message_id, recipient, message_bytes, now};
  return {Expand(words.text, fill, hash),
          std::string(words.status),
          Expand(words.host, fill, hash),
          ip,
          std::string(words.delay_type)};
}

std::string SendingHost(std::string_view message_id) {
  TextHash hash(message_id);
  const std::uint64_t rack = 1 + hash.Below(64);
  return fmt::format("a{}-{}.smtp-out.amazonses.com", rack, 1 + hash.Below(254));
}

}  // namespace postglass::mail
