#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/corpus/draws.h"
#include "bench/corpus/people.h"

namespace postglass::bench {

// A reply that ends a delivery well.
struct AcceptedReply {
  std::string_view enhanced;  // empty: the server gives none
  bool queued_as = false;     // holds the phrase "queued as"
  bool quarantined = false;   // holds that word
};

// Appends what the provider's server says: its own form, with random queue ids.
AcceptedReply AppendAcceptedReply(std::string& out,
                                  Provider provider,
                                  std::string_view message_id,
                                  std::int64_t at_ms,
                                  Draws& draws);

// A kind of refusal, as SES reports it. The pattern's ${recipient} and ${reply} (random id of the
// server) are filled by AppendRefusal().
struct Refusal {
  std::string_view type;      // bounceType or delayType
  std::string_view sub_type;  // bounces only
  std::string_view status;
  int code = 0;
  std::string_view diagnostic;  // behind "smtp; "
  std::string_view bounce_class;
  double weight = 0;
  bool mailbox = false;         // holds the word "mailbox", apart from the recipient
  bool does_not_exist = false;  // holds that phrase

  bool suppressed() const { return sub_type == "OnAccountSuppressionList"; }
};

inline constexpr std::size_t kBounces = 11;
inline constexpr std::size_t kDelays = 5;
const Refusal& Bounce(std::size_t index);
const Refusal& Delay(std::size_t index);
const WeightedPick& BouncePick();
const WeightedPick& DelayPick();
void AppendRefusal(std::string& out,
                   const Refusal& refusal,
                   std::string_view recipient,
                   Draws& draws);

inline constexpr std::size_t kAgents = 320;
std::string_view Agent(std::size_t index);

}  // namespace postglass::bench
