#include "store/random_events_testing.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"

namespace postglass::store {

namespace {

constexpr std::int64_t kStartMs = 1'800'000'000'000;

constexpr std::array<std::string_view, 22> kWords = {"alice@example.org",
                                                     "Alice@Example.org",
                                                     "bob",
                                                     "reset",
                                                     "Reset password",
                                                     "pass-word",
                                                     "503",
                                                     "5.0",
                                                     "1e3",
                                                     "-7",
                                                     "10.1.2.3",
                                                     "2001:db8::1",
                                                     "Straße",
                                                     "ÄRGER",
                                                     "ärger",
                                                     "",
                                                     "a b  c",
                                                     "x:y",
                                                     "true",
                                                     "null",
                                                     "quote\"back\\slash",
                                                     "tab\tline\n"};
constexpr std::array<std::string_view, 12> kKeys = {
    "a", "b", "a.b", "Name", "title", "error", "message", "ses:tag", "x", "", "to", "code"};
constexpr std::array<std::string_view, 14> kPaths = {"a",
                                                     "a.b",
                                                     "a.b.a",
                                                     "b.Name",
                                                     "title",
                                                     "error.message",
                                                     "ses:tag",
                                                     "x.x.x",
                                                     "a.a.b",
                                                     "to",
                                                     "code",
                                                     "b",
                                                     "no.such",
                                                     "a."};
constexpr std::array<std::string_view, 6> kTags = {
    "env:prod", "env:dev", "canary", "size:400", "a:b:c", "Env:prod"};

template <std::size_t N>
std::string Pick(Random& random, const std::array<std::string_view, N>& from) {
  return std::string(from[random.Below(N)]);
}

json::value RandomValue(Random& random, int depth) {
  switch (random.Below(depth > 0 ? 11 : 7)) {
    case 0:
      return nullptr;
    case 1:
      return random.Below(2) == 0;
    case 2:
      return static_cast<std::int64_t>(random.Below(1000)) - 100;
    case 3:
      return static_cast<double>(random.Below(4000)) / 8 - 10;
    case 4:
      return std::uint64_t{1} << (50 + random.Below(14));
    case 5:
    case 6:
      return json::value(Pick(random, kWords));
    case 7:
    case 8: {
      json::array elements;
      for (std::uint64_t n = random.Below(4); n > 0; --n) {
        elements.push_back(RandomValue(random, depth - 1));
      }
      return elements;
    }
    default: {
      json::object members;
      for (std::uint64_t n = random.Below(4); n > 0; --n) {
        members[Pick(random, kKeys)] = RandomValue(random, depth - 1);
      }
      return members;
    }
  }
}

std::string RandomAttributes(Random& random) {
  if (random.Below(40) == 0) return R"({"a":123456789012345678901234567890,"b":"reset"})";
  if (random.Below(40) == 0) return "not json";
  json::object root;
  for (std::uint64_t n = random.Below(6); n > 0; --n) {
    root[Pick(random, kKeys)] = RandomValue(random, 3);
  }
  return json::Serialize(root);
}

Field RandomField(Random& random) {
  using Kind = Field::Kind;
  constexpr std::array<std::string_view, 8> kReserved = {
      "host", "source", "status", "service", "message", "timestamp", "index", "trace_id"};
  constexpr std::array<std::string_view, 5> kTagKeys = {"env", "canary", "size", "a", "a:b"};
  switch (random.Below(10)) {
    case 0:
      return {Kind::kText, ""};
    case 1:
      return {Kind::kAllText, ""};
    case 2:
      return {Kind::kReserved, Pick(random, kReserved)};
    case 3:
      return {Kind::kTag, Pick(random, kTagKeys)};
    case 4:
      return {Kind::kTags, ""};
    default:
      return {Kind::kAttribute, Pick(random, kPaths)};
  }
}

Field RandomValueField(Random& random) {
  Field field = RandomField(random);
  if (field.kind == Field::Kind::kAllText) field.kind = Field::Kind::kText;
  return field;
}

Operand RandomOperand(Random& random) {
  if (random.Below(2) == 0) return {Pick(random, kWords), std::nullopt};
  const auto number = static_cast<double>(random.Below(1000)) - 100;
  return {fmt::format("{}", number), number};
}

Predicate RandomWildcard(Random& random) {
  using Piece = WildcardMatch::Piece;
  WildcardMatch match{RandomField(random), {}, random.Below(4) == 0};
  const std::string word = random.Below(3) == 0 ? Pick(random, kTags) : Pick(random, kWords);
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t run = 1 + random.Below(6);
    switch (random.Below(4)) {
      case 0:
        match.pieces.push_back({Piece::Kind::kAnyRun, ""});
        break;
      case 1:
        match.pieces.push_back({Piece::Kind::kAnyOne, ""});
        i += 1;
        continue;
      default:
        match.pieces.push_back({Piece::Kind::kLiteral, word.substr(i, run)});
        break;
    }
    i += run;
  }
  if (match.pieces.empty() || random.Below(3) == 0) {
    match.pieces.push_back({Piece::Kind::kAnyRun, ""});
  }
  return {std::move(match)};
}

Predicate RandomLeaf(Random& random) {
  switch (random.Below(9)) {
    case 0:
      return RandomWildcard(random);
    case 1:
      return {Exists{RandomField(random)}};
    case 2: {
      RangeMatch range{RandomField(random), {}, {}, random.Below(2) == 0, random.Below(2) == 0};
      if (random.Below(4) != 0) range.low = RandomOperand(random);
      if (random.Below(4) != 0) range.high = RandomOperand(random);
      return {std::move(range)};
    }
    case 3:
      return {Comparison{RandomField(random),
                         static_cast<Comparison::Op>(random.Below(4)),
                         RandomOperand(random)}};
    case 4:
      return {CidrMatch{RandomField(random), {"10.0.0.0/8", "2001:db8::/32"}}};
    default: {
      std::string value = random.Below(4) == 0 ? Pick(random, kTags) : Pick(random, kWords);
      const Field field = RandomField(random);
      if (field.kind == Field::Kind::kTag && value.find(':') != value.npos) {
        value = value.substr(value.find(':') + 1);
      }
      return {TermMatch{field, std::move(value), random.Below(2) == 0, random.Below(3) == 0}};
    }
  }
}

}  // namespace

NewEvent RandomEvent(Random& random, std::uint32_t n) {
  NewEvent entry;
  Event& event = entry.event;
  event.timestamp_ms =
      kStartMs + static_cast<std::int64_t>(n) * 10 + static_cast<std::int64_t>(random.Below(3000));
  event.ingested_at_ms = kStartMs + static_cast<std::int64_t>(n) * 10;
  event.id = EventId::Make(event.ingested_at_ms,
                           {static_cast<std::uint8_t>(random.Below(256)),
                            0,
                            0,
                            0,
                            0,
                            0,
                            static_cast<std::uint8_t>(n >> 24),
                            static_cast<std::uint8_t>(n >> 16),
                            static_cast<std::uint8_t>(n >> 8),
                            static_cast<std::uint8_t>(n)});
  for (std::uint64_t words = random.Below(4); words > 0; --words) {
    event.message += Pick(random, kWords) + " ";
  }
  constexpr std::array<std::string_view, 3> kStatuses = {"info", "warn", "error"};
  event.status = Pick(random, kStatuses);
  event.service = Pick(random, kWords);
  event.source = random.Below(2) == 0 ? "ses" : "";
  event.host = Pick(random, kWords);
  for (std::uint64_t tags = random.Below(4); tags > 0; --tags) {
    event.tags.push_back(Pick(random, kTags));
  }
  event.attributes = RandomAttributes(random);
  return entry;
}

Predicate RandomPredicate(Random& random, int depth) {
  if (depth == 0 || random.Below(3) == 0) return RandomLeaf(random);
  switch (random.Below(4)) {
    case 0:
      return {Not{std::make_shared<const Predicate>(RandomPredicate(random, depth - 1))}};
    case 1: {
      Or any;
      for (std::uint64_t n = 1 + random.Below(3); n > 0; --n) {
        any.operands.push_back(RandomPredicate(random, depth - 1));
      }
      return {std::move(any)};
    }
    case 2: {
      And all;
      for (std::uint64_t n = 1 + random.Below(2); n > 0; --n) {
        all.operands.push_back(RandomPredicate(random, depth - 1));
      }
      return {std::move(all)};
    }
    default:
      return {MatchAll{}};
  }
}

GroupRequest RandomGroups(Random& random) {
  GroupRequest groups;
  for (std::uint64_t n = random.Below(3); n > 0; --n) {
    std::vector<std::int64_t> borders;
    std::int64_t border = kStartMs + static_cast<std::int64_t>(random.Below(2000));
    for (std::uint64_t k = random.Below(6); k > 0; --k) {
      borders.push_back(border);
      border += static_cast<std::int64_t>(random.Below(2000));
    }
    groups.series.push_back(std::move(borders));
  }
  for (std::uint64_t n = random.Below(6); n > 0; --n) {
    Measure measure{static_cast<Measure::Kind>(random.Below(7)),
                    RandomValueField(random),
                    static_cast<double>(random.Below(101)) / 100,
                    std::nullopt};
    if (!groups.series.empty() && random.Below(2) == 0) {
      measure.series = static_cast<std::uint32_t>(random.Below(groups.series.size()));
    }
    groups.measures.push_back(std::move(measure));
  }
  for (std::uint64_t n = random.Below(4); n > 0; --n) {
    GroupKey key;
    key.field = RandomValueField(random);
    key.limit = 1 + random.Below(20);
    key.order.ascending = random.Below(2) == 0;
    if (random.Below(2) == 0) key.missing = Pick(random, kWords);
    key.total = random.Below(3) == 0;
    if (random.Below(5) == 0) key.bins = GroupBins{-20, 300, 7};
    // Not by sums: they are the same only up to the order of adding.
    for (std::uint32_t m = 0; m < groups.measures.size(); ++m) {
      const Measure& measure = groups.measures[m];
      if (measure.series || measure.kind == Measure::Kind::kSum ||
          measure.kind == Measure::Kind::kAverage) {
        continue;
      }
      if (random.Below(2) == 0) key.order.measure = m;
    }
    groups.keys.push_back(std::move(key));
  }
  return groups;
}

void SortByField(Random& random, RowsRequest& rows) {
  const Field field = RandomField(random);
  const bool key =
      field.kind == Field::Kind::kReserved && (field.name == "timestamp" || field.name == "index");
  if (key || field.kind == Field::Kind::kText || field.kind == Field::Kind::kAllText) return;
  rows.by = field;
  switch (random.Below(3)) {
    case 0:
      rows.after_key = {SortKey::Kind::kNumber, static_cast<double>(random.Below(500)), {}};
      break;
    case 1:
      rows.after_key = {SortKey::Kind::kText, 0, Pick(random, kWords)};
      break;
    default:
      break;
  }
}

Plan RandomPlan(Random& random) {
  Plan plan;
  plan.where = RandomPredicate(random, 2);
  if (random.Below(3) == 0) {
    plan.from_ms = kStartMs + static_cast<std::int64_t>(random.Below(40'000));
    plan.to_ms = plan.from_ms + static_cast<std::int64_t>(random.Below(20'000));
  }
  if (random.Below(6) == 0) {
    plan.ingested_from_ms = kStartMs + static_cast<std::int64_t>(random.Below(40'000));
  }
  if (random.Below(4) != 0) {
    plan.rows = RowsRequest{random.Below(2) == 0 ? Order::kNewestFirst : Order::kOldestFirst,
                            random.Below(50),
                            std::nullopt};
    if (random.Below(2) == 0) {
      plan.rows->after = RowCursor{kStartMs + static_cast<std::int64_t>(random.Below(40'000)), {}};
    }
    if (random.Below(4) == 0) SortByField(random, *plan.rows);
  }
  if (random.Below(3) == 0) return plan;  // rows alone may end early
  plan.count = true;
  if (random.Below(2) == 0) plan.histograms.push_back({5000, std::nullopt, {}});
  if (random.Below(2) == 0) plan.histograms.push_back({7000, RandomValueField(random), {}});
  if (random.Below(3) == 0) {
    HistogramRequest histogram;
    if (random.Below(2) == 0) histogram.split = RandomValueField(random);
    std::int64_t border = kStartMs + static_cast<std::int64_t>(random.Below(2000));
    for (std::uint64_t k = 1 + random.Below(6); k > 0; --k) {
      histogram.borders.push_back(border);
      border += 1 + static_cast<std::int64_t>(random.Below(2000));
    }
    plan.histograms.push_back(std::move(histogram));
  }
  if (random.Below(2) == 0) plan.top_values.push_back({RandomValueField(random), 5});
  if (random.Below(2) == 0) plan.percentiles.push_back({RandomValueField(random), {0.1, 0.5, 1}});
  if (random.Below(2) == 0) plan.cardinalities.push_back({RandomValueField(random)});
  if (random.Below(2) == 0) plan.groups.push_back(RandomGroups(random));
  return plan;
}

}  // namespace postglass::store
