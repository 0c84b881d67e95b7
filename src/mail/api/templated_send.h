#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "mail/api/ses_backend.h"
#include "mail/message_builder.h"
#include "mail/templates/template_content.h"
#include "mail/types.h"

// Sends from templates, as both APIs do them.

namespace postglass::mail {

struct TemplatedMail {
  const ParsedContent& content;
  std::string_view template_name;  // what a Rendering Failure names
  const json::object& data;
  SimpleMessage message;  // subject, text and html come from the template
};

// Renders `mail` into `submission`, whose other members are the caller's. A template that cannot be
// rendered is no error: the submission then says so. kInvalidArgument with SES's text otherwise.
Status FillSubmission(TemplatedMail mail, const SesBackend& backend, Submission& submission);

// What TestRender shows: the message without sender and recipients. Errors: those of
// ParsedContent::Render().
Result<std::string> RenderForShow(const ParsedContent& content,
                                  const json::object& data,
                                  const SesBackend& backend);

// `own` instead of `defaults` by name, the others kept.
std::vector<MessageTag> MergeTags(const std::vector<MessageTag>& defaults,
                                  std::vector<MessageTag> own);

// One entry of a bulk send: what is to be sent, or why not.
using BulkEntry = std::variant<Submission, SendError>;

// Sends all entries at once; `done` is called once, with an outcome for each, in order.
void SendAll(Mailer& mailer,
             std::vector<BulkEntry> entries,
             std::function<void(std::vector<SendOutcome>)> done);

// What a bulk answer says of one entry: "Success", "MessageRejected" …
std::string_view V1BulkStatus(const SendOutcome& outcome);
std::string_view V2BulkStatus(const SendOutcome& outcome);  // "SUCCESS", "MESSAGE_REJECTED" …

}  // namespace postglass::mail
