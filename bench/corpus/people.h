#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/corpus/draws.h"

namespace postglass::bench {

// Who runs the mail server of a domain; decides the words of its replies.
enum class Provider : std::uint8_t {
  kGoogle,
  kMicrosoft,
  kYahoo,
  kApple,
  kGmx,
  kTelekom,
  kPostfix,
  kExim,
  kMimecast,
  kProofpoint,
};

// A mailbox, by how often it gets mail: 0 gets most.
using Rank = std::uint32_t;

inline constexpr Rank kRecipients = 3'000'000;
inline constexpr std::size_t kConsumerDomains = 24;

// All recipients, none of them stored: address, domain and reading habits follow from the rank.
// Addresses are made up, at real consumer domains and at domains under .example; nothing is sent.
class People {
 public:
  People();

  // A few get very much, most get a mail or two: at 2.1 million draws the busiest gets some 7,500
  // and 1.1 million get any.
  Rank Draw(Draws& draws) const;

  static void AppendAddress(std::string& out, Rank rank);
  static void AppendDomain(std::string& out, Rank rank);
  static std::string Address(Rank rank);
  // Index of the consumer domain, kConsumerDomains for all others.
  static std::size_t ConsumerDomain(Rank rank);
  static std::string_view ConsumerDomainName(std::size_t index);
  static Provider ProviderOf(Rank rank);

 private:
  double stretch_ = 0;  // of the distribution's inverse
};

}  // namespace postglass::bench
