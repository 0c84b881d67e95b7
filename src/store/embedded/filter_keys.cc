#include "store/embedded/filter_keys.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "store/embedded/key_filter.h"
#include "store/glob.h"
#include "store/match.h"
#include "store/text.h"

namespace postglass::store {

namespace {

// One hash function a domain, so that the word "mail" and the path "mail" are two keys.
enum Domain : std::uint64_t { kValue = 1, kWord = 2, kPath = 3, kTagKey = 4, kSeen = 5 };

std::uint64_t ValueKey(std::string_view text) { return Hash64(Fold(text), kValue); }

std::uint64_t PathKey(std::string_view path) { return Hash64(path, kPath); }

std::uint64_t TagKey(std::string_view key) { return Hash64(key, kTagKey); }

}  // namespace

void FilterKeys::AddValue(std::string_view text, Cut cut) {
  const std::uint64_t seen_as = Hash64(text, kSeen + (cut == Cut::kWords ? 1 : 0));
  if (!seen_.Insert(seen_as)) return;
  folded_.clear();
  AppendFolded(folded_, text);
  keys_.Insert(Hash64(folded_, kValue));
  if (cut == Cut::kWhole) return;
  Words words(folded_);
  for (std::string_view word = words.Next(); !word.empty(); word = words.Next()) {
    keys_.Insert(Hash64(word, kWord));
  }
}

void FilterKeys::AddPath(std::string_view path) {
  if (!keys_.Insert(PathKey(path))) return;
  // The objects above it exist too.
  for (std::size_t dot = path.find('.'); dot != path.npos; dot = path.find('.', dot + 1)) {
    keys_.Insert(PathKey(path.substr(0, dot)));
  }
}

void FilterKeys::Add(EventReader& reader) {
  const EventView& event = reader.event();
  AddValue(event.message, Cut::kWords);
  for (const std::string_view text : {event.status, event.service, event.source, event.host}) {
    AddValue(text, Cut::kWhole);
  }
  for (const std::string_view tag : event.tags) {
    AddValue(tag, Cut::kWhole);
    const std::size_t colon = tag.find(':');
    // A key may itself hold colons ("a:b:c" has the keys "a" and "a:b").
    for (std::size_t at = colon; at != tag.npos; at = tag.find(':', at + 1)) {
      keys_.Insert(TagKey(tag.substr(0, at)));
    }
    keys_.Insert(TagKey(tag));
  }
  reader.ForEachAttribute([this](std::string_view path, const ValueView& value) {
    AddPath(path);
    AddValue(value.text, Cut::kWords);
  });
}

std::vector<std::uint64_t> FilterKeys::Take() {
  std::vector<std::uint64_t> keys = keys_.ToVector();
  keys_.Clear();
  seen_.Clear();
  return keys;
}

KeyCondition KeyCondition::Key(std::uint64_t hash) {
  KeyCondition condition;
  condition.kind_ = Kind::kKey;
  condition.key_ = hash;
  return condition;
}

KeyCondition KeyCondition::Join(Kind kind, std::vector<KeyCondition> parts) {
  const Kind neutral = kind == Kind::kAll ? Kind::kAlways : Kind::kNever;
  const Kind decisive = kind == Kind::kAll ? Kind::kNever : Kind::kAlways;
  KeyCondition condition;
  for (KeyCondition& part : parts) {
    if (part.kind_ == decisive) {
      condition.kind_ = decisive;
      condition.parts_.clear();
      return condition;
    }
    if (part.kind_ != neutral) condition.parts_.push_back(std::move(part));
  }
  condition.kind_ = condition.parts_.empty() ? neutral : kind;
  return condition;
}

bool KeyCondition::MayHold(std::string_view filter) const {
  const auto part_may_hold = [&](const KeyCondition& part) { return part.MayHold(filter); };
  switch (kind_) {
    case Kind::kAlways:
      return true;
    case Kind::kNever:
      return false;
    case Kind::kKey:
      return MayContain(filter, key_);
    case Kind::kAll:
      return std::all_of(parts_.begin(), parts_.end(), part_may_hold);
    case Kind::kAny:
      return std::any_of(parts_.begin(), parts_.end(), part_may_hold);
  }
  return true;
}

// One condition for each kind of predicate. Whatever is not understood here is kAlways.
struct ConditionMaker {
  using Kind = KeyCondition::Kind;

  KeyCondition operator()(const MatchAll&) const { return {}; }

  KeyCondition operator()(const Not&) const { return {}; }

  KeyCondition operator()(const MatchNone&) const { return KeyCondition::Join(Kind::kAny, {}); }

  KeyCondition operator()(const TermMatch& term) const {
    std::vector<KeyCondition> parts;
    switch (term.field.kind) {
      case Field::Kind::kText:
      case Field::Kind::kAllText: {
        const std::string folded = Fold(term.value);
        Words words(folded);
        for (std::string_view word = words.Next(); !word.empty(); word = words.Next()) {
          parts.push_back(KeyCondition::Key(Hash64(word, kWord)));
        }
        if (parts.empty()) return KeyCondition::Join(Kind::kAny, {});
        return KeyCondition::Join(Kind::kAll, std::move(parts));
      }
      case Field::Kind::kReserved:
        return ForReserved(term);
      case Field::Kind::kTag:
        return KeyCondition::Key(ValueKey(term.field.name + ":" + term.value));
      case Field::Kind::kTags:
        return KeyCondition::Key(ValueKey(term.value));
      case Field::Kind::kAttribute:
        parts.push_back(KeyCondition::Key(PathKey(term.field.name)));
        parts.push_back(ForValue(term));
        return KeyCondition::Join(Kind::kAll, std::move(parts));
    }
    return {};
  }

  KeyCondition operator()(const WildcardMatch& wildcard) const { return FieldIsThere(wildcard); }

  KeyCondition operator()(const Comparison& comparison) const { return FieldIsThere(comparison); }

  KeyCondition operator()(const RangeMatch& range) const { return FieldIsThere(range); }

  KeyCondition operator()(const Exists& exists) const { return FieldIsThere(exists); }

  KeyCondition operator()(const CidrMatch& match) const { return FieldIsThere(match); }

  KeyCondition operator()(const And& conjunction) const {
    return ForAll(Kind::kAll, conjunction.operands);
  }

  KeyCondition operator()(const Or& disjunction) const {
    return ForAll(Kind::kAny, disjunction.operands);
  }

 private:
  KeyCondition ForAll(Kind kind, const std::vector<Predicate>& operands) const {
    std::vector<KeyCondition> parts;
    parts.reserve(operands.size());
    for (const Predicate& operand : operands) parts.push_back(std::visit(*this, operand.node));
    return KeyCondition::Join(kind, std::move(parts));
  }

  static KeyCondition ForReserved(const TermMatch& term) {
    const std::string& name = term.field.name;
    if (name == "status") return KeyCondition::Key(ValueKey(NormalizeStatus(term.value)));
    if (name == "service" || name == "source" || name == "host" || name == "message") {
      return KeyCondition::Key(ValueKey(term.value));
    }
    return {};
  }

  // Numbers are in the filter in their one text form; an operand in another form ("5e2") is asked
  // for by the number it means. Large ones have more than one form, so nothing is known of them.
  static KeyCondition ForValue(const TermMatch& term) {
    constexpr double kOneFormBelow = 1e15;
    std::vector<KeyCondition> parts;
    parts.push_back(KeyCondition::Key(ValueKey(term.value)));
    double number = 0;
    const char* end = term.value.data() + term.value.size();
    const auto parsed = std::from_chars(term.value.data(), end, number);
    if (!term.quoted && parsed.ec == std::errc() && parsed.ptr == end) {
      if (!(std::fabs(number) < kOneFormBelow)) return {};
      parts.push_back(KeyCondition::Key(ValueKey(NumberText(number))));
    }
    return KeyCondition::Join(Kind::kAny, std::move(parts));
  }

  template <class Node>
  static KeyCondition FieldIsThere(const Node& node) {
    const Field& field = node.field;
    if (field.kind == Field::Kind::kAttribute) return KeyCondition::Key(PathKey(field.name));
    if (field.kind == Field::Kind::kTag) return KeyCondition::Key(TagKey(field.name));
    return {};
  }
};

KeyCondition KeyCondition::For(const Predicate& predicate) {
  return std::visit(ConditionMaker(), predicate.node);
}

}  // namespace postglass::store
