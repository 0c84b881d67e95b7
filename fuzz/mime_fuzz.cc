#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/encoding.h"
#include "base/json.h"
#include "mail/address.h"
#include "mail/encoded_word.h"
#include "mail/event_json.h"
#include "mail/header_block.h"
#include "mail/message_builder.h"
#include "mail/message_tags.h"
#include "mail/outgoing_message.h"

// Messages as any client may send them: whatever the bytes, the event is JSON, no address carries a
// line end, and the outgoing message has no header that acceptance did not see.

using namespace postglass;
using namespace postglass::mail;

namespace {

void CheckHeaders(const std::string& message) {
  const Result<HeaderBlock> header = HeaderBlock::Scan(message);
  if (!header) return;
  for (const HeaderField& field : header->fields()) {
    const std::string value = field.Value();
    CHECK(value.find_first_of("\r\n") == std::string::npos);
    if (const auto mailboxes = ParseAddressList(value)) {
      for (const Mailbox& mailbox : *mailboxes) {
        CHECK(mailbox.address.find_first_of("\r\n") == std::string::npos);
        CHECK(mailbox.address.find('@') != std::string::npos);
      }
    }
    CHECK(IsUtf8(DecodeEncodedWords(value)));
    static_cast<void>(CheckMessageTags(ParseMessageTagsHeader(value)));
  }
  const aws::Account account;
  const std::string mail_object = BuildMailObject({.account = account,
                                                   .message_id = "id",
                                                   .accepted_at = {},
                                                   .source = message,
                                                   .source_identity = "a@b.example",
                                                   .destinations = {},
                                                   .header = *header,
                                                   .operation = "SendRawEmail",
                                                   .configuration_set = "set",
                                                   .source_ip = "",
                                                   .caller = "",
                                                   .tags = {}});
  CHECK(json::ParseObject(mail_object).has_value());
  const MailEvent event{{"id", "set", mail_object}, DeliveryDetail{}, {{"postglass", "captured"}}};
  CHECK(json::ParseObject(RenderEvent(event, {.outgoing_ip = "127.0.0.1"})).has_value());

  const std::string outgoing = MakeOutgoingMessage(*header, {"id", "us-east-1", {}});
  const Result<HeaderBlock> again = HeaderBlock::Scan(outgoing);
  if (!again) return;  // the two new fields may pass the bound
  CHECK(again->fields().size() <= header->fields().size() + 2);
  CHECK(again->Find("Bcc") == nullptr);
  CHECK(again->body() == header->body());
}

void CheckHeaderText(std::string_view text) {
  const std::string encoded = EncodeHeaderText(text);
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    CHECK((encoded[i] & 0x80) == 0);
    // A line end is always a fold.
    if (encoded[i] == '\n') CHECK(i + 1 < encoded.size() && encoded[i + 1] == ' ');
  }
  static_cast<void>(EncodeBody(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  CheckHeaders(NormalizeLineEnds(input));
  CheckHeaderText(input);
  return 0;
}
