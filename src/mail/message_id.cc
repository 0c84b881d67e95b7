#include "mail/message_id.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace postglass::mail {
namespace {

constexpr std::uint64_t kTimeMask = (1ULL << 48) - 1;

// Seen in public captures of real ids. Other Regions have their own numbers, which are not
// published; they share the first.
unsigned RegionNumber(std::string_view region) {
  if (region == "eu-west-1") return 0x0102;
  if (region == "ap-south-1") return 0x0109;
  return 0x0100;
}

bool IsLowerHex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string MakeMessageId(std::string_view region, Timestamp accepted_at, Random& random) {
  return fmt::format("{:04x}{:012x}-{}-000000",
                     RegionNumber(region),
                     static_cast<std::uint64_t>(accepted_at.millis()) & kTimeMask,
                     random.Uuid());
}

std::string MakeFeedbackId(std::string_view region, Timestamp reported_at, Random& random) {
  return MakeMessageId(region, reported_at, random);
}

std::optional<Timestamp> MessageIdTime(std::string_view id) {
  constexpr std::string_view kForm = "xxxxxxxxxxxxxxxx-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx-xxxxxx";
  static_assert(kForm.size() == kMessageIdLength);
  if (id.size() != kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (kForm[i] == '-' ? id[i] != '-' : !IsLowerHex(id[i])) return std::nullopt;
  }
  std::int64_t millis = 0;
  std::from_chars(id.data() + 4, id.data() + 16, millis, 16);
  // Twelve digits reach beyond what a Timestamp holds, the year 2262.
  constexpr std::int64_t kMillisMax = std::numeric_limits<std::int64_t>::max() / 1'000'000;
  if (millis > kMillisMax) return std::nullopt;
  return Timestamp::FromMillis(millis);
}

}  // namespace postglass::mail
