#include "bench/corpus.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/time_format.h"

namespace postglass::bench {

namespace {

constexpr std::size_t kMailsKept = 1 << 14;  // later events of older mails take another mail's data
constexpr double kZipfExponent = 1.05;

constexpr std::array<std::string_view, 8> kDomains = {"gmail.example",
                                                      "outlook.example",
                                                      "yahoo.example",
                                                      "icloud.example",
                                                      "corp-one.example",
                                                      "corp-two.example",
                                                      "university.example",
                                                      "mail.example"};
constexpr std::array<std::string_view, 6> kReplies = {
    "250 2.0.0 OK  {} a1si{}qkb.{} - gsmtp",
    "250 2.6.0 <{}@mail.example> [InternalId={}, Hostname=AM{}.outlook.example] Queued mail for "
    "delivery",
    "250 ok dirdel {}/{}/{}",
    "250 2.0.0 Ok: queued as {}{}{}",
    "250 2.1.5 recipient ok; {} accepted as {} by mx{}",
    "250 OK id={}-{}-{}"};
constexpr std::array<std::string_view, 4> kBounces = {
    "smtp; 550 5.1.1 user unknown",
    "smtp; 550-5.1.1 The email account does not exist",
    "smtp; 552 5.2.2 mailbox full",
    "smtp; 554 5.7.1 message refused by policy"};
constexpr std::array<std::string_view, 4> kAgents = {
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via imageproxy)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"};

std::string Iso(std::int64_t ms) { return FormatIso8601Millis(Timestamp::FromMillis(ms)); }

}  // namespace

SesCorpus::SesCorpus(Options options)
    : options_(options), random_(options.seed), now_ms_(options.start_ms), mails_(kMailsKept) {
  // Once and together: mails that live among the events' memory would keep its pages from being
  // given back, and spoil what a program measures of the store.
  for (Mail& mail : mails_) {
    for (std::string* text : {&mail.message_id, &mail.recipient, &mail.subject}) text->reserve(95);
  }
}

double SesCorpus::Unit() { return static_cast<double>(random_.Next64() >> 11) * 0x1.0p-53; }

std::uint32_t SesCorpus::ZipfRank() {
  // Inverse of the continuous distribution: exact enough, and without a table.
  const double n = options_.recipients;
  const double power = 1 - kZipfExponent;
  const double x = std::pow(1 + Unit() * (std::pow(n, power) - 1), 1 / power);
  return std::min(static_cast<std::uint32_t>(x), options_.recipients) - 1;
}

std::string SesCorpus::Recipient(std::uint32_t rank) const {
  // Spread over names and domains without looking sequential.
  const std::uint64_t mixed = (std::uint64_t{rank} + 1) * 0x9E3779B97F4A7C15ULL;
  return fmt::format("user.{:07x}{}@{}", rank, mixed >> 56, kDomains[(mixed >> 32) % 8]);
}

void SesCorpus::Schedule(Kind kind, std::uint64_t mail, std::int64_t at_ms) {
  pending_.push({at_ms, events_ + pending_.size(), kind, mail});
}

void SesCorpus::SendOne() {
  now_ms_ +=
      1 + static_cast<std::int64_t>(-std::log(1 - Unit()) * 1000 / options_.mails_per_second);
  const std::uint64_t number = mails_sent_++;
  Mail& mail = mails_[number % kMailsKept];
  mail.sent_ms = now_ms_;
  mail.recipient.assign(Recipient(ZipfRank()));
  mail.message_id.assign(
      fmt::format("0100019{:09x}-{}-000000", now_ms_ & 0xFFFFFFFFF, random_.Uuid()));
  const std::uint64_t order_number = 100'000 + random_.Below(900'000);
  switch (random_.Below(4)) {
    case 0:
    case 1:
      mail.subject = "Reset your password";
      break;
    case 2:
      mail.subject.assign(fmt::format("Your order {} is on its way", order_number));
      break;
    default:
      mail.subject.assign(fmt::format("{} is your sign-in code", order_number));
      break;
  }
  Schedule(Kind::kSend, number, now_ms_);
  const std::int64_t answered_ms =
      now_ms_ + 300 + static_cast<std::int64_t>(-std::log(1 - Unit()) * 1500);
  if (Chance(0.015)) {
    Schedule(Kind::kBounce, number, answered_ms);
    return;
  }
  if (Chance(0.01)) Schedule(Kind::kDelay, number, answered_ms);
  Schedule(Kind::kDelivery, number, answered_ms + (Chance(0.01) ? 900'000 : 0));
  if (Chance(0.001)) Schedule(Kind::kComplaint, number, answered_ms + 3'600'000);
  if (!Chance(0.25)) return;
  const std::int64_t opened_ms =
      answered_ms + static_cast<std::int64_t>(-std::log(1 - Unit()) * 600'000);
  Schedule(Kind::kOpen, number, opened_ms);
  if (Chance(0.3)) Schedule(Kind::kClick, number, opened_ms + 5000);
}

std::string SesCorpus::Detail(Kind kind, const Mail& mail, std::int64_t at_ms) {
  switch (kind) {
    case Kind::kSend:
      return R"("send":{},"event":{"name":"email.accepted","verified":"signature"})";
    case Kind::kDelivery: {
      const std::string reply = fmt::format(fmt::runtime(kReplies[random_.Below(6)]),
                                            at_ms / 1000,
                                            random_.Hex(8),
                                            random_.Below(1000));
      return fmt::format(
          R"("delivery":{{"timestamp":"{}","processingTimeMillis":{},"recipients":["{}"],)"
          R"("smtpResponse":"{}","reportingMTA":"a8-{}.smtp-out.amazonses.com","remoteMtaIp":)"
          R"("192.0.2.{}"}},"smtp":{{"code":250,"enhanced_code":"2.0.0","response":"{}"}},)"
          R"("event":{{"name":"email.delivered","verified":"signature","outcome":"success"}})",
          Iso(at_ms),
          at_ms - mail.sent_ms,
          mail.recipient,
          reply,
          random_.Below(64),
          random_.Below(250),
          reply);
    }
    case Kind::kDelay:
      return fmt::format(
          R"("deliveryDelay":{{"timestamp":"{}","delayType":"MailboxFull","expirationTime":"{}",)"
          R"("delayedRecipients":[{{"emailAddress":"{}","status":"4.2.2","diagnosticCode":)"
          R"("smtp; 452 4.2.2 mailbox full"}}]}},"event":{{"name":"email.deferred",)"
          R"("verified":"signature"}})",
          Iso(at_ms),
          Iso(at_ms + 50'000'000),
          mail.recipient);
    case Kind::kBounce: {
      const std::string_view reply = kBounces[random_.Below(4)];
      return fmt::format(
          R"("bounce":{{"bounceType":"Permanent","bounceSubType":"General","bouncedRecipients":)"
          R"([{{"emailAddress":"{}","action":"failed","status":"5.1.1","diagnosticCode":"{}"}}],)"
          R"("timestamp":"{}","feedbackId":"{}-000000","reportingMTA":)"
          R"("dsn; a8-50.smtp-out.amazonses.com"}},"smtp":{{"code":550,"enhanced_code":"5.1.1",)"
          R"("response":"{}"}},"event":{{"name":"email.bounced","verified":"signature",)"
          R"("outcome":"failure"}})",
          mail.recipient,
          reply,
          Iso(at_ms),
          random_.Uuid(),
          reply);
    }
    case Kind::kComplaint:
      return fmt::format(
          R"("complaint":{{"complainedRecipients":[{{"emailAddress":"{}"}}],"timestamp":"{}",)"
          R"("feedbackId":"{}","complaintFeedbackType":"abuse"}},"event":{{"name":)"
          R"("email.complained","verified":"signature"}})",
          mail.recipient,
          Iso(at_ms),
          random_.Uuid());
    default:
      return fmt::format(R"("{}":{{"timestamp":"{}","ipAddress":"198.51.{}.{}","userAgent":"{}"}},)"
                         R"("event":{{"name":"email.{}","verified":"signature"}})",
                         kind == Kind::kOpen ? "open" : "click",
                         Iso(at_ms),
                         random_.Below(256),
                         random_.Below(256),
                         kAgents[random_.Below(4)],
                         kind == Kind::kOpen ? "opened" : "clicked");
  }
}

std::string SesCorpus::Attributes(Kind kind,
                                  const Mail& mail,
                                  std::int64_t at_ms,
                                  const std::string& detail) {
  constexpr std::array<std::string_view, 7> kTypes = {
      "Send", "Delivery", "DeliveryDelay", "Bounce", "Complaint", "Open", "Click"};
  const std::string from = "Example Shop <no-reply@shop.example>";
  return fmt::format(
      R"({{"eventType":"{}","mail":{{"timestamp":"{}","source":"{}","sourceArn":)"
      R"("arn:aws:ses:us-east-1:123456789012:identity/shop.example","sendingAccountId":)"
      R"("123456789012","messageId":"{}","destination":["{}"],"headersTruncated":false,)"
      R"("headers":[{{"name":"From","value":"{}"}},{{"name":"To","value":"{}"}},)"
      R"({{"name":"Subject","value":"{}"}},{{"name":"MIME-Version","value":"1.0"}},)"
      R"({{"name":"Message-ID","value":"<{}@email.amazonses.com>"}},)"
      R"({{"name":"Content-Type","value":"multipart/alternative; boundary=\"----=_Part_{}\""}}],)"
      R"("commonHeaders":{{"from":["{}"],"date":"{}","to":["{}"],"messageId":"{}",)"
      R"("subject":"{}"}},"tags":{{"ses:source-tls-version":["TLSv1.3"],"ses:operation":)"
      R"(["SendEmail"],"ses:configuration-set":["default"],"ses:source-ip":["203.0.113.7"],)"
      R"("ses:from-domain":["shop.example"],"ses:caller-identity":["mailer"]}}}},{},)"
      R"("email":{{"local_id":"{}","subject":"{}","recipient":{{"address":["{}"],"domain":["{}"]}},)"
      R"("from":{{"address":"no-reply@shop.example"}},"stream":"default"}},)"
      R"("sns":{{"messageId":"{}","topicArn":"arn:aws:sns:us-east-1:123456789012:mail-events",)"
      R"("timestamp":"{}"}}}})",
      kTypes[static_cast<std::size_t>(kind)],
      Iso(mail.sent_ms),
      "no-reply@shop.example",
      mail.message_id,
      mail.recipient,
      from,
      mail.recipient,
      mail.subject,
      mail.message_id,
      mail.sent_ms,
      from,
      FormatMailDate(Timestamp::FromMillis(mail.sent_ms)),
      mail.recipient,
      mail.message_id,
      mail.subject,
      detail,
      mail.message_id,
      mail.subject,
      mail.recipient,
      mail.recipient.substr(mail.recipient.find('@') + 1),
      random_.Uuid(),
      Iso(at_ms + 400));
}

store::NewEvent SesCorpus::Next() {
  while (pending_.empty() || pending_.top().at_ms > now_ms_) SendOne();
  const Pending next = pending_.top();
  pending_.pop();
  ++events_;
  const Mail& mail = mails_[next.mail % kMailsKept];
  store::NewEvent entry;
  store::Event& event = entry.event;
  event.timestamp_ms = next.at_ms;
  event.ingested_at_ms = next.at_ms + 500;
  std::array<std::uint8_t, 10> unique{};
  random_.Fill(std::as_writable_bytes(std::span(unique)));
  event.id = store::EventId::Make(event.ingested_at_ms, unique);
  const std::string detail = Detail(next.kind, mail, next.at_ms);
  event.attributes = Attributes(next.kind, mail, next.at_ms, detail);
  constexpr std::array<std::string_view, 7> kVerbs = {"sent to",
                                                      "delivered to",
                                                      "delayed for",
                                                      "bounced for",
                                                      "complained about by",
                                                      "opened by",
                                                      "clicked by"};
  event.message = fmt::format(
      "\"{}\" {} {}", mail.subject, kVerbs[static_cast<std::size_t>(next.kind)], mail.recipient);
  event.status = next.kind == Kind::kBounce ? "error" : next.kind == Kind::kDelay ? "warn" : "info";
  event.service = "shop";
  event.source = "ses";
  event.host = "amazonses.com";
  event.tags = {"env:prod",
                "source:ses",
                "forwardername:postglass",
                "topic:mail-events",
                "aws_account:123456789012",
                "region:us-east-1"};
  random_.Fill(std::as_writable_bytes(std::span(entry.dedup_key.emplace().bytes)));
  return entry;
}

}  // namespace postglass::bench
