#include "query/naive_search_testing.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>

namespace postglass::query {
namespace {

struct Value {
  std::string text;
  std::optional<double> number;
};

using Values = std::vector<Value>;

std::optional<double> DoubleOf(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(number)) return std::nullopt;
  return number;
}

Value NumberValue(const std::string& written) {
  const double number = std::strtod(written.c_str(), nullptr);
  const bool integer = written.find_first_of(".eE") == std::string::npos;
  // 2^64 has 20 digits, and none of the tests' numbers lies between it and 10^20.
  if (integer && written.size() <= 20) return {written, number};
  if (std::fabs(number) < 1e15 && number == std::trunc(number)) {
    return {fmt::format("{}", static_cast<std::int64_t>(number)), number};
  }
  return {fmt::format("{}", number), number};
}

// The value, or those of an array's elements.
void AddValues(const Datum& datum, Values& out) {
  switch (datum.kind) {
    case Datum::Kind::kNull:
    case Datum::Kind::kObject:
      return;
    case Datum::Kind::kBool:
    case Datum::Kind::kText:
      out.push_back({datum.text, std::nullopt});
      return;
    case Datum::Kind::kNumber:
      out.push_back(NumberValue(datum.text));
      return;
    case Datum::Kind::kArray:
      for (const Datum& element : datum.parts) AddValues(element, out);
  }
}

void AddAllBelow(const Datum& datum, Values& out) {
  if (datum.kind != Datum::Kind::kArray && datum.kind != Datum::Kind::kObject) {
    AddValues(datum, out);
  }
  for (const Datum& part : datum.parts) AddAllBelow(part, out);
}

// What stands at the path, whichever way the keys cut it.
void Follow(const Datum& datum, const std::string& path, std::vector<const Datum*>& out) {
  for (const Datum& part : datum.parts) {
    const std::string& name = part.name;
    if (datum.kind == Datum::Kind::kArray) {
      Follow(part, path, out);
    } else if (name == path) {
      out.push_back(&part);
    } else if (path.size() > name.size() && path.substr(0, name.size() + 1) == name + ".") {
      Follow(part, path.substr(name.size() + 1), out);
    }
  }
}

Values ValuesAt(const Datum& root, const std::string& path) {
  std::vector<const Datum*> places;
  Follow(root, path, places);
  Values values;
  for (const Datum* place : places) AddValues(*place, values);
  return values;
}

std::string Lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return text;
}

std::string StatusName(const std::string& written) {
  static const std::map<std::string, std::string> names = {{"emerg", "emergency"},
                                                           {"fatal", "emergency"},
                                                           {"crit", "critical"},
                                                           {"err", "error"},
                                                           {"warning", "warn"},
                                                           {"information", "info"},
                                                           {"informational", "info"},
                                                           {"trace", "debug"},
                                                           {"verbose", "debug"},
                                                           {"success", "ok"}};
  const std::string lower = Lower(written);
  const auto found = names.find(lower);
  return found == names.end() ? lower : found->second;
}

bool IsAddressName(const std::string& name) { return name == "recipient" || name == "sender"; }

bool IsFullText(const std::string& name) { return name.empty() || name == "*"; }

// A name that stands for several, as the documents list them.
std::vector<std::string> NamesOf(const std::string& name) {
  if (name == "recipient") {
    return {"recipient",
            "@mail.destination",
            "@delivery.recipients",
            "@bounce.bouncedRecipients.emailAddress",
            "@complaint.complainedRecipients.emailAddress",
            "@deliveryDelay.delayedRecipients.emailAddress",
            "@email.recipient.address"};
  }
  if (name == "sender") return {"sender", "@mail.source", "@email.from.address"};
  if (name == "@usr.email") return {name, "@email.recipient.address"};
  if (name == "@evt.name") return {name, "@event.name"};
  return {name};
}

const std::set<std::string>& ReservedNames() {
  static const std::set<std::string> names = {
      "host", "source", "status", "service", "message", "timestamp", "trace_id", "index", "id"};
  return names;
}

Values ReservedValues(const NaiveEvent& e, const std::string& name) {
  if (name == "timestamp") {
    return {{std::to_string(e.event.timestamp_ms), static_cast<double>(e.event.timestamp_ms)}};
  }
  if (name == "trace_id") {
    Values values = ValuesAt(e.attributes, "trace_id");
    for (Value& value : ValuesAt(e.attributes, "dd.trace_id")) values.push_back(std::move(value));
    return values;
  }
  std::string text;
  if (name == "host") text = e.event.host;
  if (name == "source") text = e.event.source;
  if (name == "status") text = e.event.status;
  if (name == "service") text = e.event.service;
  if (name == "message") text = e.event.message;
  if (name == "index") text = "main";
  if (name == "id") text = e.event.id.ToString();
  if (text.empty()) return {};
  return {{text, std::nullopt}};
}

Values ValuesOf(const NaiveEvent& e, const std::string& name) {
  Values values;
  if (name.empty()) {
    values.push_back({e.event.message, std::nullopt});
    for (const char* path : {"error.message", "error.stack", "title"}) {
      for (Value& value : ValuesAt(e.attributes, path)) values.push_back(std::move(value));
    }
  } else if (name == "*") {
    values.push_back({e.event.message, std::nullopt});
    AddAllBelow(e.attributes, values);
  } else if (name == "tags") {
    for (const std::string& tag : e.event.tags) values.push_back({tag, std::nullopt});
  } else if (name[0] == '@') {
    values = ValuesAt(e.attributes, name.substr(1));
  } else if (ReservedNames().contains(name)) {
    values = ReservedValues(e, name);
  } else {
    for (const std::string& tag : e.event.tags) {
      if (tag.starts_with(name + ":")) values.push_back({tag.substr(name.size() + 1), {}});
    }
  }
  // Free text without a character is none.
  if (IsFullText(name) && e.event.message.empty()) values.erase(values.begin());
  return values;
}

bool HasAny(const NaiveEvent& e, const std::string& name) {
  if (IsFullText(name)) return true;
  if (name[0] == '@') {
    std::vector<const Datum*> places;
    Follow(e.attributes, name.substr(1), places);
    Values values;
    for (const Datum* place : places) AddAllBelow(*place, values);
    return !values.empty();
  }
  const auto& tags = e.event.tags;
  const bool reserved = name == "tags" || ReservedNames().contains(name);
  return !ValuesOf(e, name).empty() ||
         (!reserved && std::find(tags.begin(), tags.end(), name) != tags.end());
}

// --- Words -----------------------------------------------------------------------------------

char32_t Decode(const std::string& character) {
  const auto byte = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(character[i]));
  };
  switch (character.size()) {
    case 1:
      return byte(0);
    case 2:
      return ((byte(0) & 0x1F) << 6) | (byte(1) & 0x3F);
    case 3:
      return ((byte(0) & 0x0F) << 12) | ((byte(1) & 0x3F) << 6) | (byte(2) & 0x3F);
    default:
      return ((byte(0) & 0x07) << 18) | ((byte(1) & 0x3F) << 12) | ((byte(2) & 0x3F) << 6) |
             (byte(3) & 0x3F);
  }
}

// The letters of the tests' alphabets.
char32_t Folded(char32_t c) {
  if (c >= 'A' && c <= 'Z') return c + 32;
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 32;
  if (c == 0x150 || c == 0x17D) return c + 1;   // O with double acute, Z with caron
  if (c >= 0x391 && c <= 0x3A9) return c + 32;  // Greek
  if (c == 0x38A) return 0x3AF;                 // iota with tonos
  if (c == 0x3C2) return 0x3C3;                 // final sigma
  if (c >= 0x410 && c <= 0x42F) return c + 32;  // Cyrillic
  return c;
}

bool PartsWords(char32_t c) {
  if (c < 128) {
    return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
             c == '_');
  }
  return c == 0xA0 || c == 0xB7 || (c >= 0x2000 && c <= 0x206F) || (c >= 0x3000 && c <= 0x3003);
}

std::u32string FoldedText(const std::string& text) {
  std::u32string out;
  for (const std::string& character : CodePoints(text)) out += Folded(Decode(character));
  return out;
}

std::vector<std::u32string> WordsOf(const std::string& text) {
  std::vector<std::u32string> words(1);
  for (const char32_t c : FoldedText(text)) {
    if (!PartsWords(c)) {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

bool HoldsWords(const std::string& text, const std::string& phrase) {
  const std::vector<std::u32string> all = WordsOf(text);
  const std::vector<std::u32string> asked = WordsOf(phrase);
  return !asked.empty() &&
         std::search(all.begin(), all.end(), asked.begin(), asked.end()) != all.end();
}

// --- Wildcards -------------------------------------------------------------------------------

using Signs = std::vector<Meaning::Sign>;

bool IsChar(const Meaning::Sign& sign) { return sign.kind == Meaning::Sign::Kind::kCharacter; }

// Where a sign may end that begins at `from`.
template <class Text, class Fits, class Runs>
void AddEnds(const Meaning::Sign& sign,
             const Text& text,
             std::size_t from,
             Fits fits,
             Runs runs_over,
             std::set<std::size_t>& ends) {
  if (sign.kind == Meaning::Sign::Kind::kAnyRun) {
    ends.insert(from);
    while (from < text.size() && runs_over(text[from])) ends.insert(++from);
  } else if (from < text.size() &&
             (sign.kind == Meaning::Sign::Kind::kAnyOne || fits(text[from]))) {
    ends.insert(from + 1);
  }
}

bool WholeFits(const Signs& signs, const std::vector<std::string>& text, bool ignore_case) {
  std::set<std::size_t> places = {0};
  for (const Meaning::Sign& sign : signs) {
    std::set<std::size_t> ends;
    for (const std::size_t place : places) {
      AddEnds(
          sign,
          text,
          place,
          [&](const std::string& c) {
            return ignore_case ? Lower(sign.character) == Lower(c) : sign.character == c;
          },
          [](const std::string&) { return true; },
          ends);
    }
    places = std::move(ends);
  }
  return places.contains(text.size());
}

bool IsSign(const Signs& signs, std::size_t s) {
  return IsChar(signs[s]) && PartsWords(Decode(signs[s].character));
}

bool HoldsWordsLike(const std::string& text, const Signs& signs) {
  const std::u32string folded = FoldedText(text);
  const auto parts_at = [&](std::size_t i) { return PartsWords(folded[i]); };
  // From borders of words on, to one.
  std::set<std::size_t> places;
  for (std::size_t t = 0; t <= folded.size(); ++t) {
    if (t == 0 || parts_at(t - 1) || IsSign(signs, 0)) places.insert(t);
  }
  for (std::size_t s = 0; s < signs.size(); ++s) {
    std::set<std::size_t> ends;
    const bool sign = IsSign(signs, s);
    while (sign && s + 1 < signs.size() && IsSign(signs, s + 1)) ++s;  // a run of them is one
    for (std::size_t place : places) {
      if (sign) {
        while (place < folded.size() && parts_at(place)) ends.insert(++place);
        continue;
      }
      AddEnds(
          signs[s],
          folded,
          place,
          [&](char32_t c) { return Folded(Decode(signs[s].character)) == c; },
          [](char32_t c) { return !PartsWords(c); },
          ends);
    }
    places = std::move(ends);
  }
  return std::any_of(places.begin(), places.end(), [&](std::size_t end) {
    return end == folded.size() || parts_at(end) || IsSign(signs, signs.size() - 1);
  });
}

// --- Numbers ---------------------------------------------------------------------------------

// Characters of a number of the language at the front: -?digits[.digits][E[+-]digits].
std::size_t NumberSize(const std::string& text) {
  const auto digits_end = [&](std::size_t from) {
    while (from < text.size() && text[from] >= '0' && text[from] <= '9') ++from;
    return from;
  };
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  std::size_t end = digits_end(first);
  if (end == first) return 0;
  if (end < text.size() && text[end] == '.' && digits_end(end + 1) > end + 1) {
    end = digits_end(end + 1);
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    std::size_t exponent = end + 1;
    if (exponent < text.size() && (text[exponent] == '+' || text[exponent] == '-')) ++exponent;
    if (digits_end(exponent) > exponent) end = digits_end(exponent);
  }
  return end;
}

// The units that the tests write, by attribute: milliseconds and bytes.
std::optional<double> WithUnit(double number, const std::string& unit, const std::string& name) {
  static const std::map<std::string, double> times = {{"ms", 1e6},
                                                      {"s", 1e9},
                                                      {"us", 1e3},
                                                      {"m", 60e9},
                                                      {"h", 3600e9},
                                                      {"d", 86400e9},
                                                      {"w", 604800e9}};
  static const std::map<std::string, double> sizes = {{"B", 1}, {"KB", 1000}, {"KiB", 1024}};
  if (const auto size = sizes.find(unit); size != sizes.end()) return number * size->second;
  const auto time = times.find(unit);
  if (time == times.end()) return std::nullopt;
  const bool millis = name.ends_with("Millis");
  return number * time->second / (millis ? 1e6 : 1);
}

std::optional<double> BoundNumber(const Meaning::Bound& bound, const std::string& name) {
  if (bound.quoted || (name[0] != '@' && name != "timestamp")) return std::nullopt;
  const std::size_t size = NumberSize(bound.text);
  if (size == 0) return std::nullopt;
  const std::optional<double> number = DoubleOf(bound.text.substr(0, size));
  if (!number || size == bound.text.size()) return number;
  return WithUnit(*number, bound.text.substr(size), name);
}

// --- Tests of a value ------------------------------------------------------------------------

bool EqualsTerm(const Value& value, const Meaning& m, const std::string& name) {
  if (IsFullText(name)) return HoldsWords(value.text, m.value);
  if (name == "status") return value.text == StatusName(m.value);
  if (value.text == m.value) return true;
  if (IsAddressName(m.field) && Lower(value.text) == Lower(m.value)) return true;
  // A number in another form: 5e2 is 500.
  const bool integer = m.value.find_first_not_of("-0123456789") == std::string::npos;
  const bool numeric = m.value.find_first_not_of("-.eE+0123456789") == std::string::npos;
  if (m.quoted || !value.number || integer || !numeric || m.value.starts_with('+')) return false;
  const std::optional<double> number = DoubleOf(m.value);
  return number && *number == *value.number;
}

bool FitsWildcard(const Value& value, const Meaning& m, const std::string& name) {
  if (IsFullText(name)) return HoldsWordsLike(value.text, m.signs);
  const bool ignore_case = name == "status" || IsAddressName(m.field);
  return WholeFits(m.signs, CodePoints(value.text), ignore_case);
}

bool LiesWithin(const Value& value, const Meaning& m, const std::string& name) {
  if (!m.low && !m.high) return true;
  bool numeric = value.number.has_value();
  for (const auto* bound : {&m.low, &m.high}) {
    if (*bound && !BoundNumber(**bound, name)) numeric = false;
  }
  const auto compare = [&](const Meaning::Bound& bound) {  // < 0: the value is below
    if (numeric) {
      const double other = *BoundNumber(bound, name);
      return *value.number < other ? -1 : *value.number > other ? 1 : 0;
    }
    return value.text.compare(name == "status" ? StatusName(bound.text) : bound.text);
  };
  if (m.low && (m.low->inclusive ? compare(*m.low) < 0 : compare(*m.low) <= 0)) return false;
  return !(m.high && (m.high->inclusive ? compare(*m.high) > 0 : compare(*m.high) >= 0));
}

// 16 bytes; IPv4 is mapped.
std::optional<std::array<unsigned char, 16>> IpOf(const std::string& text) {
  std::array<unsigned char, 16> ip{};
  if (inet_pton(AF_INET6, text.c_str(), ip.data()) == 1) return ip;
  ip = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0};
  if (inet_pton(AF_INET, text.c_str(), ip.data() + 12) == 1) return ip;
  return std::nullopt;
}

bool LiesInBlock(const Value& value, const std::string& block) {
  const auto ip = IpOf(value.text);
  const std::size_t slash = block.find('/');
  const auto base = IpOf(block.substr(0, slash));
  if (!ip || !base) return false;
  const bool v4 = block.find(':') == std::string::npos;
  const int bits = std::atoi(block.c_str() + slash + 1) + (v4 ? 96 : 0);
  for (int bit = 0; bit < bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if (((*ip)[at] & mask) != ((*base)[at] & mask)) return false;
  }
  return true;
}

bool Test(const Value& value, const Meaning& m, const std::string& name) {
  switch (m.kind) {
    case Meaning::Kind::kTerm:
      return EqualsTerm(value, m, name);
    case Meaning::Kind::kWildcard:
      return FitsWildcard(value, m, name);
    case Meaning::Kind::kRange:
      return LiesWithin(value, m, name);
    case Meaning::Kind::kCidr:
      return std::any_of(m.blocks.begin(), m.blocks.end(), [&](const std::string& block) {
        return LiesInBlock(value, block);
      });
    default:
      return false;
  }
}

bool TestField(const NaiveEvent& e, const Meaning& m) {
  for (const std::string& name : NamesOf(m.field)) {
    const bool any_run = m.kind == Meaning::Kind::kWildcard &&
                         std::all_of(m.signs.begin(), m.signs.end(), [](const Meaning::Sign& sign) {
                           return sign.kind == Meaning::Sign::Kind::kAnyRun;
                         });
    const bool open = m.kind == Meaning::Kind::kRange && !m.low && !m.high;
    if (m.kind == Meaning::Kind::kExists || any_run || open) {
      if (HasAny(e, name)) return true;
      continue;
    }
    for (const Value& value : ValuesOf(e, name)) {
      if (Test(value, m, name)) return true;
    }
  }
  return false;
}

std::vector<bool> MatchingIn(const Meaning& meaning, const std::vector<NaiveEvent>& events) {
  const std::vector<bool> inner = Matching(meaning.parts[0], events);
  std::set<std::string> found;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (!inner[i]) continue;
    for (const std::string& name : NamesOf(meaning.field)) {
      for (const Value& value : ValuesOf(events[i], name)) found.insert(value.text);
    }
  }
  std::vector<bool> out(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    for (const std::string& name : NamesOf(meaning.field)) {
      for (const Value& value : ValuesOf(events[i], name)) {
        if (found.contains(value.text)) out[i] = true;
      }
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> CodePoints(const std::string& text) {
  std::vector<std::string> out;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
    if (!continues || out.empty()) out.emplace_back();
    out.back() += c;
  }
  return out;
}

std::vector<bool> Matching(const Meaning& meaning, const std::vector<NaiveEvent>& events) {
  if (meaning.kind == Meaning::Kind::kIn) return MatchingIn(meaning, events);
  std::vector<std::vector<bool>> parts;
  for (const Meaning& part : meaning.parts) parts.push_back(Matching(part, events));
  std::vector<bool> out(events.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto is_true = [i](const std::vector<bool>& part) { return part[i]; };
    switch (meaning.kind) {
      case Meaning::Kind::kAnd:
        out[i] = std::all_of(parts.begin(), parts.end(), is_true);
        break;
      case Meaning::Kind::kOr:
        out[i] = std::any_of(parts.begin(), parts.end(), is_true);
        break;
      case Meaning::Kind::kNot:
        out[i] = !parts[0][i];
        break;
      default:
        out[i] = TestField(events[i], meaning);
    }
  }
  return out;
}

}  // namespace postglass::query
