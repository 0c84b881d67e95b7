#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::bench {

// What varies from mail to mail and from event to event; the name in a layout is the enumerator's,
// ${in_small_letters}.
enum class Slot : std::uint8_t {
  kMail,         // the mail object
  kMailTime,     // ISO 8601
  kMailDate,     // RFC 5322
  kMessageId,    // SES's
  kHeaderId,     // of the header Message-ID, without brackets
  kDestination,  // elements of a JSON list
  kTo,           // text of the header
  kSubject,      // decoded
  kRawSubject,   // as in the header
  kBoundary,     // of the MIME parts
  kEntityId,     // X-Entity-Ref-ID
  kContact,      // number in unsubscribe links
  kSourceIp,     // of the client that sent
  kOutgoingIp,   // of SES
  kEventTime,    // ISO 8601
  kRecipient,    // the address that the event is about
  kProcessing,   // milliseconds from mail to event
  kReply,        // the receiving server's words, without "smtp; "
  kMta,          // number of SES's server
  kRemoteIp,     // of the receiving server
  kFeedbackId,
  kAgent,     // user agent
  kClientIp,  // of the reader
  kLink,      // that was clicked
  kLinkTags,  // JSON
  kExpires,   // ISO 8601
  kSnsId,
  kSnsTime,    // ISO 8601
  kAddresses,  // of the normalised view, elements of a JSON list
  kDomains,    // the same
  kCount,
};

using SlotValues = std::array<std::string, static_cast<std::size_t>(Slot::kCount)>;

// Text with slots, cut apart once: filling it is a handful of appends.
class Layout {
 public:
  Layout() = default;
  // `pattern` holds ${slot} where a value goes. Slots that no enumerator has end the program.
  explicit Layout(std::string_view pattern);

  void AppendTo(std::string& out, const SlotValues& values) const;

 private:
  struct Piece {
    std::uint32_t begin = 0;  // of the fixed text before the slot
    std::uint32_t bytes = 0;
    Slot slot = Slot::kCount;  // kCount: none
  };

  std::string text_;
  std::vector<Piece> pieces_;
};

// 2026-11-23T05:57:01.123Z
void AppendIsoMillis(std::string& out, std::int64_t ms);
// Mon, 23 Nov 2026 05:57:01 +0000
void AppendMailDate(std::string& out, std::int64_t ms);
void AppendNumber(std::string& out, std::int64_t number);
// The text with every `from` replaced.
std::string Replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace postglass::bench
