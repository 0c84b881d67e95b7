#include "bench/corpus/people.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/corpus/layout.h"

namespace postglass::bench {

namespace {

constexpr double kExponent = 0.71;  // of the Zipf distribution
constexpr std::uint64_t kOtherDomains = 150'000;

struct Consumer {
  std::string_view domain;
  Provider provider;
  double weight;
};

constexpr std::array<Consumer, kConsumerDomains> kConsumers = {{
    {"gmail.com", Provider::kGoogle, 34},
    {"hotmail.com", Provider::kMicrosoft, 9},
    {"yahoo.com", Provider::kYahoo, 8},
    {"outlook.com", Provider::kMicrosoft, 7},
    {"icloud.com", Provider::kApple, 6},
    {"gmx.de", Provider::kGmx, 3.2},
    {"web.de", Provider::kGmx, 2.8},
    {"aol.com", Provider::kYahoo, 2.2},
    {"live.com", Provider::kMicrosoft, 1.6},
    {"t-online.de", Provider::kTelekom, 1.4},
    {"orange.fr", Provider::kPostfix, 1.2},
    {"libero.it", Provider::kPostfix, 1.1},
    {"comcast.net", Provider::kPostfix, 1.0},
    {"proton.me", Provider::kPostfix, 0.95},
    {"mail.ru", Provider::kExim, 0.9},
    {"yahoo.co.uk", Provider::kYahoo, 0.85},
    {"free.fr", Provider::kPostfix, 0.8},
    {"yandex.ru", Provider::kPostfix, 0.75},
    {"hotmail.co.uk", Provider::kMicrosoft, 0.7},
    {"qq.com", Provider::kPostfix, 0.6},
    {"me.com", Provider::kApple, 0.55},
    {"btinternet.com", Provider::kPostfix, 0.5},
    {"att.net", Provider::kYahoo, 0.45},
    {"googlemail.com", Provider::kGoogle, 0.4},
}};

constexpr std::array<Provider, 10> kOtherProviders = {Provider::kGoogle,
                                                      Provider::kGoogle,
                                                      Provider::kGoogle,
                                                      Provider::kMicrosoft,
                                                      Provider::kMicrosoft,
                                                      Provider::kPostfix,
                                                      Provider::kPostfix,
                                                      Provider::kExim,
                                                      Provider::kMimecast,
                                                      Provider::kProofpoint};

constexpr std::array<std::string_view, 64> kFirst = {
    "anna",    "ben",    "clara",  "david",  "emma",   "felix",  "greta",  "hugo",
    "ida",     "jonas",  "kate",   "liam",   "mia",    "noah",   "olivia", "paul",
    "quentin", "rosa",   "sam",    "tina",   "ugo",    "vera",   "will",   "xenia",
    "yara",    "zoe",    "alex",   "bella",  "carlos", "diana",  "elias",  "fiona",
    "george",  "hannah", "ivan",   "julia",  "karim",  "laura",  "marco",  "nina",
    "omar",    "petra",  "rafael", "sofia",  "thomas", "ursula", "victor", "wanda",
    "yusuf",   "amelie", "bruno",  "celine", "dmitri", "elena",  "fatima", "gabriel",
    "helena",  "isabel", "jakob",  "katya",  "leon",   "maria",  "nora",   "oscar"};
constexpr std::array<std::string_view, 64> kLast = {
    "adler",   "becker",    "costa",   "dubois",   "evans",  "fischer", "garcia",  "hughes",
    "ivanov",  "jansen",    "keller",  "lopez",    "moreau", "novak",   "olsen",   "peters",
    "quinn",   "rossi",     "schmidt", "taylor",   "urban",  "vogel",   "walker",  "young",
    "ziegler", "andersson", "brown",   "conti",    "diaz",   "eriksen", "ferrari", "gruber",
    "hansen",  "ito",       "johnson", "kowalski", "larsen", "martin",  "nguyen",  "ortiz",
    "patel",   "ramos",     "santos",  "tanaka",   "ueda",   "vargas",  "weber",   "xu",
    "yilmaz",  "zhang",     "baker",   "clark",    "davis",  "edwards", "foster",  "green",
    "harris",  "jackson",   "king",    "lewis",    "morgan", "nelson",  "parker",  "reed"};
constexpr std::array<std::string_view, 32> kTrades = {
    "logistics", "bakery",  "studio", "labs",   "partners", "clinic",  "systems",  "garage",
    "press",     "foods",   "school", "travel", "optics",   "capital", "energy",   "farm",
    "media",     "motors",  "music",  "pharma", "sports",   "tools",   "textiles", "robotics",
    "insurance", "fitness", "hotel",  "books",  "design",   "legal",   "metal",    "water"};

const std::array<std::uint8_t, 1000>& DomainTable() {
  static const auto table = [] {
    std::array<std::uint8_t, 1000> places{};
    std::size_t place = 0;
    double sum = 0;
    for (std::size_t i = 0; i < kConsumers.size(); ++i) {
      sum += kConsumers[i].weight;
      for (; place < static_cast<std::size_t>(sum * 10); ++place) {
        places[place] = static_cast<std::uint8_t>(i);
      }
    }
    for (; place < places.size(); ++place) places[place] = kConsumerDomains;
    return places;
  }();
  return table;
}

// A permutation of 22 bits, so that no two ranks share a name and neighbours look unlike.
std::uint32_t Shuffled(Rank rank) {
  constexpr std::uint32_t kMask = (1U << 22) - 1;
  std::uint32_t x = rank;
  x ^= x >> 11;
  x = x * 0x2C1B3C6DU & kMask;
  x ^= x >> 12;
  x = x * 0x297A2D39U & kMask;
  return x ^ x >> 11;
}

std::uint64_t Habit(Rank rank) { return Mix(rank ^ 0xA11CE00000000000ULL); }

std::uint64_t OtherDomain(Rank rank) { return (Habit(rank) >> 20) % kOtherDomains; }

}  // namespace

People::People() : stretch_(std::pow(kRecipients, 1 - kExponent) - 1) {}

Rank People::Draw(Draws& draws) const {
  // Inverse of the continuous distribution: exact enough, and without a table.
  const double x = std::pow(1 + draws.Unit() * stretch_, 1 / (1 - kExponent));
  return std::min(static_cast<Rank>(x), kRecipients) - 1;
}

std::size_t People::ConsumerDomain(Rank rank) { return DomainTable()[Habit(rank) % 1000]; }

std::string_view People::ConsumerDomainName(std::size_t index) { return kConsumers[index].domain; }

Provider People::ProviderOf(Rank rank) {
  const std::size_t consumer = ConsumerDomain(rank);
  return consumer < kConsumerDomains ? kConsumers[consumer].provider
                                     : kOtherProviders[OtherDomain(rank) % kOtherProviders.size()];
}

void People::AppendDomain(std::string& out, Rank rank) {
  if (const std::size_t consumer = ConsumerDomain(rank); consumer < kConsumerDomains) {
    out += kConsumers[consumer].domain;
    return;
  }
  const std::uint64_t number = OtherDomain(rank);
  out += kLast[number % 64];
  out += '-';
  out += kTrades[number / 64 % 32];
  if (const std::uint64_t branch = number / 2048; branch > 0) {
    AppendNumber(out, static_cast<std::int64_t>(branch));
  }
  out += ".example";
}

void People::AppendAddress(std::string& out, Rank rank) {
  const std::uint32_t x = Shuffled(rank);
  const std::string_view first = kFirst[x & 63];
  const std::string_view last = kLast[x >> 6 & 63];
  switch (x >> 12 & 3) {
    case 0:
      (out += first) += last;
      break;
    case 1:
      ((out += first) += '.') += last;
      break;
    case 2:
      ((out += last) += '.') += first;
      break;
    default:
      ((out += first) += '_') += last;
      break;
  }
  if (const std::uint32_t number = x >> 14; number > 0) AppendNumber(out, number);
  out += '@';
  AppendDomain(out, rank);
}

std::string People::Address(Rank rank) {
  std::string address;
  AppendAddress(address, rank);
  return address;
}

}  // namespace postglass::bench
