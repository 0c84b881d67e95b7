#include "query/store_testing.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::query {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  json::AppendQuoted(out, text);
  return out;
}

std::string ListOf(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? "," : "") + Quoted(text);
  return out + "]";
}

}  // namespace

store::EventId EventMaker::NextId() {
  std::array<std::uint8_t, 10> unique{};
  ++made_;
  for (std::size_t i = 0; i < 8; ++i) {
    unique[9 - i] = static_cast<std::uint8_t>((made_ >> (8 * i)) & 0xFF);
  }
  return store::EventId::Make(clock_.Now().millis(), unique);
}

store::Event EventMaker::Log(std::string message, std::chrono::milliseconds offset) {
  store::Event event;
  event.id = NextId();
  event.ingested_at_ms = clock_.Now().millis();
  event.timestamp_ms = event.ingested_at_ms + offset.count();
  event.message = std::move(message);
  return event;
}

void EventMaker::AppendLog(store::LogStore& store,
                           std::string message,
                           std::chrono::milliseconds offset) {
  Append(store, {Log(std::move(message), offset)});
}

store::Event EventMaker::Ses(const Mail& mail,
                             std::string_view event_type,
                             std::string_view member,
                             std::string detail,
                             std::chrono::milliseconds offset) {
  const Timestamp at = mail.requested_at + offset;
  const std::string mark = "@AT@";
  for (std::size_t i = detail.find(mark); i != std::string::npos; i = detail.find(mark)) {
    detail.replace(i, mark.size(), FormatIso8601Millis(at));
  }
  store::Event event = Log(fmt::format("{} {}", event_type, mail.subject), {});
  event.timestamp_ms = at.millis();
  event.source = "ses";
  event.service = "ses";
  event.attributes = fmt::format(
      R"({{"eventType":{},"mail":{{"timestamp":"{}","source":"Shop <no-reply@shop.example>",)"
      R"("messageId":{},"destination":{},"headersTruncated":false,"commonHeaders":)"
      R"({{"from":["Shop <no-reply@shop.example>"],"to":{},"messageId":{},"subject":{}}},)"
      R"("tags":{{"ses:configuration-set":["default"]{}}}}},"{}":{}}})",
      Quoted(event_type),
      FormatIso8601Millis(mail.requested_at),
      Quoted(mail.message_id),
      ListOf(mail.destination),
      ListOf(mail.destination),
      Quoted(mail.message_id),
      Quoted(mail.subject),
      mail.extra_tags,
      member,
      detail);
  return event;
}

store::Event EventMaker::Send(const Mail& mail) { return Ses(mail, "Send", "send", "{}", {}); }

store::Event EventMaker::Delivery(const Mail& mail,
                                  std::chrono::milliseconds offset,
                                  std::string_view response,
                                  std::string_view more) {
  return Ses(mail,
             "Delivery",
             "delivery",
             fmt::format(R"({{"timestamp":"@AT@","processingTimeMillis":{},"recipients":{},)"
                         R"("smtpResponse":{},"reportingMTA":"a1.smtp-out"{}}})",
                         offset.count(),
                         ListOf(mail.destination),
                         Quoted(response),
                         more),
             offset);
}

store::Event EventMaker::Bounce(const Mail& mail,
                                std::chrono::milliseconds offset,
                                std::string_view type,
                                std::string_view sub_type,
                                std::string_view status,
                                std::string_view diagnostic,
                                std::string_view address) {
  return Ses(mail,
             "Bounce",
             "bounce",
             fmt::format(R"({{"bounceType":"{}","bounceSubType":"{}","bouncedRecipients":)"
                         R"([{{"emailAddress":{},"action":"failed","status":"{}",)"
                         R"("diagnosticCode":{}}}],"timestamp":"@AT@","feedbackId":"f"}})",
                         type,
                         sub_type,
                         Quoted(address.empty() ? mail.destination.front() : std::string(address)),
                         status,
                         Quoted(diagnostic)),
             offset);
}

store::Event EventMaker::Delay(const Mail& mail, std::chrono::milliseconds offset) {
  return Ses(mail,
             "DeliveryDelay",
             "deliveryDelay",
             fmt::format(R"({{"timestamp":"@AT@","delayType":"MailboxFull","expirationTime":"{}",)"
                         R"("delayedRecipients":[{{"emailAddress":{},"status":"4.2.2",)"
                         R"("diagnosticCode":"smtp; 452 4.2.2 mailbox full"}}]}})",
                         FormatIso8601Millis(mail.requested_at + std::chrono::hours(14)),
                         Quoted(mail.destination.front())),
             offset);
}

store::Event EventMaker::Complaint(const Mail& mail, std::chrono::milliseconds offset) {
  return Ses(mail,
             "Complaint",
             "complaint",
             fmt::format(R"({{"complainedRecipients":[{{"emailAddress":{}}}],)"
                         R"("timestamp":"@AT@","feedbackId":"c","complaintSubType":null,)"
                         R"("complaintFeedbackType":"abuse"}})",
                         Quoted(mail.destination.front())),
             offset);
}

store::Event EventMaker::Open(const Mail& mail, std::chrono::milliseconds offset) {
  return Ses(mail,
             "Open",
             "open",
             R"({"ipAddress":"192.0.2.1","timestamp":"@AT@","userAgent":"Mail/1"})",
             offset);
}

store::Event EventMaker::Click(const Mail& mail, std::chrono::milliseconds offset) {
  return Ses(mail,
             "Click",
             "click",
             R"({"ipAddress":"192.0.2.1","timestamp":"@AT@","userAgent":"Mail/1",)"
             R"("link":"https://shop.example/","linkTags":null})",
             offset);
}

void EventMaker::Append(store::LogStore& store, std::vector<store::Event> events) {
  std::vector<store::NewEvent> batch;
  for (store::Event& event : events) batch.push_back({std::move(event), std::nullopt});
  const Result<store::AppendResult> appended = store.Append(std::move(batch));
  CHECK(appended.has_value());
}

}  // namespace postglass::query
