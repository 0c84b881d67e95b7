#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mail/api/v2_operations.h"
#include "mail/message_builder.h"
#include "mail/templates/template_content.h"

// What the sends of API v2 have in common.

namespace postglass::mail::v2 {

aws::AwsError BadRequest(std::string message);

// The list of Name and Value called `name`.
std::vector<MessageTag> ReadMessageTags(const json::object& body, std::string_view name);

// Sender, configuration set, and who calls. Tags are left out.
Submission Begin(const Call& call, std::string_view operation);

// "Destination" of `parent`, into headers and envelope.
void ReadDestination(const json::object& parent, SimpleMessage& message, Submission& submission);

// "Headers" and "Attachments" of a Simple or Template content.
std::optional<aws::AwsError> ReadHeaders(const json::object& parent,
                                         std::string_view name,
                                         SimpleMessage& message);
std::optional<aws::AwsError> ReadAttachments(const json::object& content, SimpleMessage& message);

struct NamedContent {
  std::string name;  // of an inline template: empty
  ParsedContent content;
};

// The template that a Template content names or holds.
std::variant<NamedContent, aws::AwsError> FindTemplate(const Call& call,
                                                       const json::object& content);

// TemplateData as text; absent is an empty object.
std::variant<json::object, aws::AwsError> ReadTemplateData(const json::object& parent,
                                                           std::string_view name);

}  // namespace postglass::mail::v2
