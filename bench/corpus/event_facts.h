#pragma once

#include <cstdint>
#include <string_view>

#include "bench/corpus/mail.h"
#include "bench/corpus/replies.h"

namespace postglass::bench {

enum class EventType : std::uint8_t {
  kSend,
  kDelivery,
  kBounce,
  kDelay,
  kOpen,
  kClick,
  kComplaint,
  kReject,
  kRenderingFailure,
};
inline constexpr std::size_t kEventTypes = 9;

// As in eventType.
constexpr std::string_view EventTypeName(EventType type) {
  constexpr std::string_view kNames[kEventTypes] = {"Send",
                                                    "Delivery",
                                                    "Bounce",
                                                    "DeliveryDelay",
                                                    "Open",
                                                    "Click",
                                                    "Complaint",
                                                    "Reject",
                                                    "Rendering Failure"};
  return kNames[static_cast<std::size_t>(type)];
}

// What the generator knows of the event that it made last: enough to tell the right answer of every
// measured query without reading the event.
struct EventFacts {
  EventType type = EventType::kSend;
  Mail mail;
  std::size_t about = kMailRecipientsMax;  // recipient of the mail; kMailRecipientsMax: all of them
  std::int64_t timestamp_ms = 0;
  std::int64_t processing_ms = 0;    // deliveries
  AcceptedReply reply;               // deliveries
  const Refusal* refusal = nullptr;  // bounces and delays
  std::string_view message_id;       // until the next event

  std::span<const Rank> recipients() const {
    return about == kMailRecipientsMax ? mail.all() : mail.all().subspan(about, 1);
  }
};

}  // namespace postglass::bench
