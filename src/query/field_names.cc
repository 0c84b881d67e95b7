#include "query/field_names.h"

#include <algorithm>
#include <array>

namespace postglass::query {
namespace {

using store::Field;

constexpr std::array<FieldAlias, 11> kAliases = {{
    {"evt.name", "event.name"},
    {"evt.outcome", "event.outcome"},
    {"usr.email", "email.recipient.address"},
    {"network.client.ip", "client.address"},
    {"metadata.transport.smtp_code", "smtp.code"},
    {"metadata.transport.smtp_enhanced_code", "smtp.enhanced_code"},
    {"metadata.transport.smtp_reason", "smtp.reason"},
    {"metadata.transport.smtp_reason_enhanced", "smtp.advice"},
    {"metadata.transport.smtp_response", "smtp.response"},
    {"metadata.email.recipient_address", "email.recipient.address"},
    {"metadata.email.recipient_domain", "email.recipient.domain"},
}};

constexpr std::array<std::string_view, 9> kReserved = {
    "host", "source", "status", "service", "message", "timestamp", "trace_id", "index", "id"};

// An event may name others than the mail does: who a forwarded mail went to, for example.
constexpr std::array<std::string_view, 6> kRecipientPaths = {
    "mail.destination",
    "delivery.recipients",
    "bounce.bouncedRecipients.emailAddress",
    "complaint.complainedRecipients.emailAddress",
    "deliveryDelay.delayedRecipients.emailAddress",
    "email.recipient.address",
};
constexpr std::array<std::string_view, 2> kSenderPaths = {"mail.source", "email.from.address"};

}  // namespace

std::span<const FieldAlias> FieldAliases() { return kAliases; }

std::vector<Field> FieldsNamed(std::string_view name) {
  if (name == "*") return {Field{Field::Kind::kAllText, ""}};
  if (name == "tags") return {Field{Field::Kind::kTags, ""}};
  if (!name.empty() && name.front() == '@') {
    const std::string_view path = name.substr(1);
    std::vector<Field> fields = {Field{Field::Kind::kAttribute, std::string(path)}};
    for (const FieldAlias& alias : kAliases) {
      if (alias.written == path) {
        fields.push_back(Field{Field::Kind::kAttribute, std::string(alias.stored)});
      }
    }
    return fields;
  }
  if (std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end()) {
    return {Field{Field::Kind::kReserved, std::string(name)}};
  }
  return {Field{Field::Kind::kTag, std::string(name)}};
}

std::vector<Field> AddressFieldsNamed(std::string_view name) {
  std::span<const std::string_view> paths;
  if (name == "recipient") paths = kRecipientPaths;
  if (name == "sender") paths = kSenderPaths;
  std::vector<Field> fields;
  for (const std::string_view path : paths) {
    fields.push_back(Field{Field::Kind::kAttribute, std::string(path)});
  }
  if (!fields.empty()) fields.push_back(Field{Field::Kind::kTag, std::string(name)});
  return fields;
}

}  // namespace postglass::query
