#include "topics/envelope.h"

#include <fmt/format.h>

#include "base/check.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::topics {
namespace {

constexpr std::size_t kSignaturesMax = 4'096;  // some 400 bytes each

std::string_view TypeName(Message::Type type) {
  switch (type) {
    case Message::Type::kNotification:
      return "Notification";
    case Message::Type::kSubscriptionConfirmation:
      return "SubscriptionConfirmation";
    case Message::Type::kUnsubscribeConfirmation:
      return "UnsubscribeConfirmation";
  }
  return "";
}

// A flat JSON object in the spelling of SNS's HTTP bodies.
class BodyWriter {
 public:
  void Member(std::string_view name, std::string_view text) {
    Name(name);
    json::AppendQuoted(out_, text);
  }

  void Name(std::string_view name) {
    out_ += out_.empty() ? "{\n  " : ",\n  ";
    json::AppendQuoted(out_, name);
    out_ += " : ";
  }

  std::string& out() { return out_; }

  std::string Finish() && {
    out_ += "\n}";
    return std::move(out_);
  }

 private:
  std::string out_;
};

void AppendAttribute(std::string& out, const MessageAttribute& attribute) {
  out += "{\"Type\":";
  json::AppendQuoted(out, attribute.type);
  out += ",\"Value\":";
  json::AppendQuoted(out, attribute.value);
  out += '}';
}

}  // namespace

Message MessageFromDeadLetter(const queues::Message& dead_letter, bool raw_delivery) {
  Message message;
  const Result<json::object> envelope =
      raw_delivery ? Result<json::object>(json::object()) : json::ParseObject(dead_letter.body);
  if (!envelope || !json::GetString(*envelope, "Message")) {
    message.body = dead_letter.body;
    for (const queues::MessageAttribute& attribute : dead_letter.attributes) {
      message.attributes.push_back(
          {attribute.name,
           attribute.type,
           attribute.binary() ? Base64Encode(attribute.value) : attribute.value});
    }
    return message;
  }
  message.message_id = json::GetStringOr(*envelope, "MessageId", "");
  message.topic_arn = json::GetStringOr(*envelope, "TopicArn", "");
  message.subject = json::GetStringOr(*envelope, "Subject", "");
  message.body = json::GetStringOr(*envelope, "Message", "");
  message.published_at =
      ParseIso8601(json::GetStringOr(*envelope, "Timestamp", "")).value_or(Timestamp());
  if (const json::object* attributes = json::GetObject(*envelope, "MessageAttributes")) {
    for (const auto& entry : *attributes) {
      const json::object* o = entry.value().if_object();
      if (o == nullptr) continue;
      message.attributes.push_back({std::string(entry.key()),
                                    json::GetStringOr(*o, "Type", "String"),
                                    json::GetStringOr(*o, "Value", "")});
    }
  }
  return message;
}

std::string UnsubscribeUrl(const std::string& public_url, std::string_view subscription_arn) {
  return fmt::format("{}/?Action=Unsubscribe&SubscriptionArn={}", public_url, subscription_arn);
}

std::string SubscribeUrl(const std::string& public_url,
                         std::string_view topic_arn,
                         std::string_view token) {
  return fmt::format(
      "{}/?Action=ConfirmSubscription&TopicArn={}&Token={}", public_url, topic_arn, token);
}

std::string EnvelopeWriter::Signature(const Message& message,
                                      const std::string& body,
                                      const std::string& subscribe_url,
                                      aws::SnsSignatureVersion version) const {
  json::object fields = {{"Type", TypeName(message.type)},
                         {"MessageId", message.message_id},
                         {"TopicArn", message.topic_arn},
                         {"Message", body},
                         {"Timestamp", FormatIso8601Millis(message.published_at)}};
  if (message.type == Message::Type::kNotification) {
    if (!message.subject.empty()) fields["Subject"] = message.subject;
  } else {
    fields["SubscribeURL"] = subscribe_url;
    fields["Token"] = message.token;
  }
  const Result<std::string> canonical = aws::SnsCanonicalString(fields);
  CHECK(canonical.has_value());
  const std::string key =
      Sha256(*canonical) + (version == aws::SnsSignatureVersion::kSha1 ? '1' : '2');
  {
    MutexLock lock(mutex_);
    const auto known = signatures_.find(key);
    if (known != signatures_.end()) return known->second;
  }
  std::string signature = signer_.Sign(*canonical, version);
  MutexLock lock(mutex_);
  if (signatures_.size() >= kSignaturesMax) signatures_.clear();
  signatures_.insert_or_assign(key, signature);
  return signature;
}

std::string EnvelopeWriter::HttpBody(const Message& message,
                                     const Target& target,
                                     aws::SnsSignatureVersion version) const {
  const std::string public_url = public_url_();
  const std::string& body = message.body_for(target.protocol);
  const bool notification = message.type == Message::Type::kNotification;
  const std::string subscribe_url =
      notification ? std::string() : SubscribeUrl(public_url, message.topic_arn, message.token);
  BodyWriter out;
  out.Member("Type", TypeName(message.type));
  out.Member("MessageId", message.message_id);
  if (!notification) out.Member("Token", message.token);
  out.Member("TopicArn", message.topic_arn);
  if (notification && !message.subject.empty()) out.Member("Subject", message.subject);
  out.Member("Message", body);
  if (!notification) out.Member("SubscribeURL", subscribe_url);
  out.Member("Timestamp", FormatIso8601Millis(message.published_at));
  out.Member("SignatureVersion", version == aws::SnsSignatureVersion::kSha1 ? "1" : "2");
  out.Member("Signature", Signature(message, body, subscribe_url, version));
  out.Member("SigningCertURL", public_url + signer_.certificate_path());
  if (notification) {
    out.Member("UnsubscribeURL", UnsubscribeUrl(public_url, target.subscription_arn));
    if (!message.attributes.empty()) {
      out.Name("MessageAttributes");
      std::string& text = out.out();
      text += '{';
      for (std::size_t i = 0; i < message.attributes.size(); ++i) {
        text += i == 0 ? "\n    " : ",\n    ";
        json::AppendQuoted(text, message.attributes[i].name);
        text += " : ";
        AppendAttribute(text, message.attributes[i]);
      }
      text += "\n  }";
    }
  }
  return std::move(out).Finish();
}

std::string EnvelopeWriter::LambdaRecord(const Message& message,
                                         const Target& target,
                                         aws::SnsSignatureVersion version,
                                         Signed with_signature) const {
  const std::string public_url = public_url_();
  const std::string& body = message.body_for(target.protocol);
  std::string out;
  out.reserve(body.size() + body.size() / 8 + 1024);
  const auto member = [&out](std::string_view name, std::string_view text) {
    json::AppendQuoted(out, name);
    out += ':';
    json::AppendQuoted(out, text);
    out += ',';
  };
  out += '{';
  member("EventSource", "aws:sns");
  member("EventVersion", "1.0");
  member("EventSubscriptionArn", target.subscription_arn);
  out += "\"Sns\":{";
  member("Type", TypeName(message.type));
  member("MessageId", message.message_id);
  member("TopicArn", message.topic_arn);
  if (message.subject.empty()) {
    out += "\"Subject\":null,";
  } else {
    member("Subject", message.subject);
  }
  member("Message", body);
  member("Timestamp", FormatIso8601Millis(message.published_at));
  member("SignatureVersion", "1");
  member("Signature",
         with_signature == Signed::kYes ? Signature(message, body, {}, version) : std::string());
  member("SigningCertUrl", public_url + signer_.certificate_path());
  member("UnsubscribeUrl", UnsubscribeUrl(public_url, target.subscription_arn));
  out += "\"MessageAttributes\":{";
  for (std::size_t i = 0; i < message.attributes.size(); ++i) {
    if (i > 0) out += ',';
    json::AppendQuoted(out, message.attributes[i].name);
    out += ':';
    // Functions see the two string-like kinds as String.
    MessageAttribute attribute = message.attributes[i];
    if (attribute.type != "Binary") attribute.type = "String";
    AppendAttribute(out, attribute);
  }
  out += "}}}";
  return out;
}

}  // namespace postglass::topics
