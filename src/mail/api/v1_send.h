#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/api/v1_operations.h"
#include "mail/message_builder.h"

// What the sends of API v1 have in common.

namespace postglass::mail::v1 {

// The list of Name and Value called `name`.
std::vector<MessageTag> ReadTags(const aws::QueryParams& params, std::string_view name);

// Source, ConfigurationSetName, Tags, and who calls.
Submission Begin(const Call& call, std::string_view operation);

// "<prefix>ToAddresses" and so on, into headers and envelope.
void ReadDestination(const Call& call,
                     const std::string& prefix,
                     SimpleMessage& message,
                     Submission& submission);

// Hands it on and answers with the message's id.
Answer Finish(const Call& call, Submission submission);

// Counts what is refused before acceptance sees it.
Answer Refuse(const Call& call, std::string_view operation, aws::AwsError error);

}  // namespace postglass::mail::v1
