#include "mail/identity_notifications.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/awaited.h"
#include "base/encoding.h"
#include "base/json.h"
#include "mail/event_json.h"

namespace postglass::mail {
namespace {

std::optional<NotificationType> TypeOfNotification(const EventDetail& detail) {
  return NotificationTypeFromName(EventTypeName(detail));
}

// The first value of a tag of the event's mail.
std::string FirstTag(const json::object& tags, std::string_view name) {
  const json::array* values = json::GetArray(tags, name);
  if (values == nullptr || values->empty() || !values->front().is_string()) return {};
  return std::string(values->front().as_string());
}

// The Message-ID that the sender gave, which notifications show where events show SES's.
std::string OriginalMessageId(const json::object& mail) {
  const json::array* headers = json::GetArray(mail, "headers");
  if (headers == nullptr) return {};
  for (const json::value& item : *headers) {
    const json::object* header = item.if_object();
    if (header == nullptr) continue;
    if (EqualsIgnoreAsciiCase(json::GetStringOr(*header, "name", ""), "message-id")) {
      return json::GetStringOr(*header, "value", "");
    }
  }
  return {};
}

}  // namespace

std::string RenderNotification(const MailEvent& event, bool with_headers) {
  Result<json::object> record = json::ParseObject(RenderEvent(event, {}));
  if (!record) return {};
  json::object* mail = record->contains("mail") ? record->at("mail").if_object() : nullptr;
  if (mail == nullptr) return {};
  json::object tags;
  if (const json::object* found = json::GetObject(*mail, "tags")) tags = *found;
  if (with_headers) {
    if (json::value* common = mail->if_contains("commonHeaders"); common && common->is_object()) {
      common->as_object()["messageId"] = OriginalMessageId(*mail);
    }
  } else {
    for (const std::string_view name : {"headersTruncated", "headers", "commonHeaders"}) {
      mail->erase(name);
    }
  }
  mail->erase("tags");
  (*mail)["sourceIp"] = FirstTag(tags, "ses:source-ip");
  (*mail)["callerIdentity"] = FirstTag(tags, "ses:caller-identity");
  json::object out{{"notificationType", record->at("eventType")}};
  for (const auto& member : *record) {
    if (member.key() != "eventType") out[member.key()] = member.value();
  }
  return json::Serialize(out);
}

void IdentityNotifications::PublishAsync(const MailEvent& event,
                                         std::string key,
                                         std::function<void(Status)> done) {
  const std::optional<NotificationType> type = TypeOfNotification(event.detail);
  std::shared_ptr<const Identity> identity;
  if (type) {
    const Result<json::object> mail = json::ParseObject(event.subject.mail_object);
    const std::string arn = mail ? json::GetStringOr(*mail, "sourceArn", "") : std::string();
    // arn:aws:ses:REGION:ACCOUNT:identity/NAME
    const std::size_t slash = arn.find('/');
    if (slash != std::string::npos) identity = identities_.Find(arn.substr(slash + 1));
  }
  if (!identity || identity->notification(*type).topic_arn.empty()) {
    return next_.PublishAsync(event, std::move(key), std::move(done));
  }
  const IdentityNotification& wanted = identity->notification(*type);
  topics::SesPublication publication;
  publication.topic_arn = wanted.topic_arn;
  publication.message = RenderNotification(event, wanted.with_headers);
  publication.source_arn = identities_.ArnOf(identity->name);
  publication.idempotency_key = fmt::format("{}/identity", key);
  next_.PublishAsync(
      event,
      std::move(key),
      [this, publication = std::move(publication), done = std::move(done)](Status status) mutable {
        if (!status) return done(std::move(status));
        publisher_.PublishAsync(std::move(publication),
                                [done = std::move(done)](Result<topics::PublishOutcome> outcome) {
                                  done(outcome ? Status() : Status(Fail(outcome.error())));
                                });
      });
}

SesError UnknownIdentity(std::string_view name) {
  return {SesError::Kind::kIdentityNotVerified,
          fmt::format("Identity {} is not verified or does not exist.", ToValidUtf8(name))};
}

SesOutcome SetNotificationTopic(Identities& identities,
                                topics::SesPublisher& publisher,
                                Random& random,
                                const std::string& identity,
                                NotificationType type,
                                const std::string& topic_arn) {
  if (!identities.Find(identity)) return UnknownIdentity(identity);
  if (!topic_arn.empty()) {
    const std::string arn = identities.ArnOf(NormalizeIdentity(identity));
    topics::SesPublication test;
    test.topic_arn = topic_arn;
    test.source_arn = arn;
    test.idempotency_key = fmt::format("identity-topic/{}", random.Hex(32));
    test.message = json::Serialize(json::object{
        {"notificationType", "AmazonSnsSubscriptionSucceeded"},
        {"message",
         fmt::format("You have successfully subscribed your Amazon SNS topic '{}' to receive '{}' "
                     "notifications from Amazon SES for identity '{}'.",
                     topic_arn,
                     kNotificationNames[static_cast<std::size_t>(type)],
                     identity)}});
    Awaited<Result<topics::PublishOutcome>> published;
    publisher.PublishAsync(std::move(test), [&](Result<topics::PublishOutcome> outcome) {
      published.Set(std::move(outcome));
    });
    const Result<topics::PublishOutcome> outcome = published.Get();
    if (!outcome) return SesError{SesError::Kind::kUnavailable, outcome.error().message};
    if (*outcome != topics::PublishOutcome::kQueued) {
      return SesError{SesError::Kind::kInvalidParameter,
                      fmt::format("Invalid SNS topic <{}>.", ToValidUtf8(topic_arn))};
    }
  }
  return identities.Update(identity, [&](Identity& changed) -> SesOutcome {
    changed.notification(type).topic_arn = topic_arn;
    return std::nullopt;
  });
}

}  // namespace postglass::mail
