#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "mail/header_block.h"
#include "mail/types.h"

// SES's event records as JSON text: names, order and omissions as SES writes them (SES Developer
// Guide, "Contents of event data that Amazon SES publishes to Amazon SNS", and recorded events).

namespace postglass::mail {

struct MailObjectInput {
  const aws::Account& account;
  std::string_view message_id;
  Timestamp accepted_at;
  std::string_view source;           // From as given
  std::string_view source_identity;  // what sourceArn names: address or domain
  const std::vector<std::string>& destinations;
  const HeaderBlock& header;   // as given by the caller, X-SES-* included
  std::string_view operation;  // SendEmail …
  std::string_view configuration_set;
  std::string_view source_ip;
  std::string_view caller;
  const std::vector<MessageTag>& tags;
  bool shows_headers = true;  // not of a message that could not be rendered
};

// The `mail` object. Its last member is `tags`, never empty: RenderEvent() relies on it for speed.
std::string BuildMailObject(const MailObjectInput& input);

// eventType: "Send" … "Rendering Failure", "DeliveryDelay".
std::string_view EventTypeName(const EventDetail& detail);

struct EventRendering {
  // ses:outgoing-ip of Delivery and Bounce, where SES has it; empty: none. One in extra_tags wins.
  std::string outgoing_ip;
};

// The whole record, one line.
std::string RenderEvent(const MailEvent& event, const EventRendering& rendering);

}  // namespace postglass::mail
