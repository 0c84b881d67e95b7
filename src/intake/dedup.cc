#include "intake/dedup.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "base/crypto.h"
#include "base/json.h"

namespace postglass::intake {
namespace {

// Fields with their length in front, so that no two lists of fields give the same bytes.
class KeyText {
 public:
  void Add(std::string_view field) {
    text_ += std::to_string(field.size());
    text_ += ':';
    text_ += field;
  }

  store::DedupKey Hash() const {
    const std::string digest = Sha256(text_);
    store::DedupKey key;
    std::copy_n(digest.begin(), key.bytes.size(), key.bytes.begin());
    return key;
  }

 private:
  std::string text_;
};

std::string_view TextAt(const json::object& root, std::string_view path) {
  const json::value* v = json::FindPath(root, path);
  return v != nullptr && v->is_string() ? std::string_view(v->get_string()) : std::string_view();
}

}  // namespace

std::optional<store::DedupKey> DedupKeyOf(const pipelines::Log& log, Verified verified) {
  const json::object& root = log.attributes;
  KeyText key;
  key.Add(log.source);
  key.Add(VerifiedName(verified));

  if (const json::object* sns = json::GetObject(root, "Sns")) {
    const std::string_view id = json::GetString(*sns, "MessageId").value_or("");
    if (!id.empty()) {
      key.Add("sns");
      key.Add(json::GetString(*sns, "TopicArn").value_or(""));
      key.Add(id);
      return key.Hash();
    }
  }
  const std::string_view message_id = TextAt(root, "mail.messageId");
  std::string_view type = json::GetString(root, "eventType").value_or("");
  if (type.empty()) type = json::GetString(root, "notificationType").value_or("");
  if (message_id.empty() || type.empty()) return std::nullopt;
  for (const std::string_view path : {"bounce.feedbackId", "complaint.feedbackId"}) {
    const std::string_view id = TextAt(root, path);
    if (id.empty()) continue;
    key.Add("feedback");
    key.Add(type);
    key.Add(id);
    return key.Hash();
  }
  key.Add("event");
  key.Add(message_id);
  key.Add(type);
  key.Add(log.timestamp_ms ? std::to_string(*log.timestamp_ms) : "");
  const json::value* recipients = json::FindPath(root, "email.recipient.address");
  key.Add(recipients == nullptr ? "" : json::Serialize(*recipients));
  key.Add(TextAt(root, "click.link"));
  return key.Hash();
}

}  // namespace postglass::intake
