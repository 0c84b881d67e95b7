#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "bench/corpus/people.h"
#include "bench/corpus/senders.h"

namespace postglass::bench {

inline constexpr std::size_t kMailRecipientsMax = 5;

// One mail, drawn again from its seed whenever an event needs it.
struct Mail {
  std::uint64_t seed = 0;
  std::int64_t sent_ms = 0;
  std::size_t tenant = 0;
  std::size_t what = 0;  // template
  std::size_t source_ip = 0;
  std::array<Rank, kMailRecipientsMax> ranks{};  // distinct
  std::size_t recipients = 1;

  std::span<const Rank> all() const { return std::span(ranks).first(recipients); }
};

class MailDraw {
 public:
  MailDraw();
  Mail operator()(std::uint64_t seed, std::int64_t sent_ms) const;

 private:
  People people_;
  WeightedPick tenants_;
  WeightedPick templates_;
};

}  // namespace postglass::bench
