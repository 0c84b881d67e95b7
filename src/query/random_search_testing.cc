#include "query/random_search_testing.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace postglass::query {
namespace {

constexpr std::int64_t kStartMs = 1'800'000'000'000;

constexpr std::array<std::string_view, 42> kWords = {"alice@example.org",
                                                     "Alice@Example.org",
                                                     "bob@x.io",
                                                     "bob",
                                                     "reset",
                                                     "Reset password",
                                                     "pass-word",
                                                     "password",
                                                     "503",
                                                     "5.0",
                                                     "1e3",
                                                     "-7",
                                                     "10.1.2.3",
                                                     "10.9.0.1",
                                                     "2001:db8::1",
                                                     "::ffff:10.1.2.3",
                                                     "Straße",
                                                     "ÄRGER",
                                                     "ärger",
                                                     "",
                                                     "a b  c",
                                                     "x:y:z",
                                                     "true",
                                                     "null",
                                                     "quote\"back\\slash",
                                                     "tab\tline\n",
                                                     "ΣΊΣΥΦΟΣ σ",
                                                     "σίσυφος",
                                                     "ЖУРНАЛ",
                                                     "журнал",
                                                     "日本 語",
                                                     "—",
                                                     "a—b",
                                                     "“quoted”",
                                                     "😀 ok",
                                                     "AND",
                                                     "NOT (x)",
                                                     "-minus",
                                                     "*star?",
                                                     "[1 TO 2]",
                                                     "error",
                                                     "WARNING"};
constexpr std::array<std::string_view, 20> kKeys = {
    "a",       "b",     "a.b",   "Name", "title",         "error",   "message",
    "ses:tag", "x",     "",      "to",   "code",          "ключ",    "two words",
    "usr",     "email", "stack", "ip",   "latencyMillis", "trace_id"};
constexpr std::array<std::string_view, 24> kPaths = {"a",
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
                                                     "a.",
                                                     "ключ",
                                                     "two words",
                                                     "a.ключ",
                                                     "ip",
                                                     "latencyMillis",
                                                     "usr.email",
                                                     "evt.name",
                                                     "mail.destination",
                                                     "email.recipient.address",
                                                     "(b)"};
constexpr std::array<std::string_view, 9> kTags = {"env:prod",
                                                   "env:dev",
                                                   "canary",
                                                   "size:400",
                                                   "a:b:c",
                                                   "Env:prod",
                                                   "sender:Bob@X.io",
                                                   "ort:Köln",
                                                   "env:"};
constexpr std::array<std::string_view, 7> kTagKeys = {
    "env", "canary", "size", "a", "a:b", "ort", "Env"};
constexpr std::array<std::string_view, 9> kReserved = {
    "host", "source", "status", "service", "message", "timestamp", "index", "trace_id", "id"};
constexpr std::array<std::string_view, 7> kStatuses = {
    "info", "warn", "error", "debug", "ok", "emergency", "critical"};
constexpr std::array<std::string_view, 10> kStatusSpellings = {
    "Info", "WARNING", "err", "warn", "error", "success", "trace", "fatal", "crit", "verbose"};
constexpr std::array<std::string_view, 18> kNumbers = {"0",
                                                       "1",
                                                       "-7",
                                                       "7",
                                                       "503",
                                                       "500",
                                                       "5e2",
                                                       "7.0",
                                                       "0.125",
                                                       "-0.5",
                                                       "1e3",
                                                       "1000",
                                                       "1E-2",
                                                       "18446744073709551615",
                                                       "-9223372036854775808",
                                                       "123456789012345678901234567890",
                                                       "1e22",
                                                       "9007199254740993"};

template <std::size_t N>
std::string Pick(Random& random, const std::array<std::string_view, N>& from) {
  return std::string(from[random.Below(N)]);
}

bool Chance(Random& random, std::uint64_t one_in) { return random.Below(one_in) == 0; }

// --- Events ----------------------------------------------------------------------------------

void AppendText(Random& random, const std::string& text, std::string& out) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || (byte < 0x80 && Chance(random, 40))) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendJson(Random& random, const Datum& datum, std::string& out) {
  const auto blank = [&] {
    if (Chance(random, 12)) out += ' ';
  };
  switch (datum.kind) {
    case Datum::Kind::kNull:
      out += "null";
      return;
    case Datum::Kind::kBool:
    case Datum::Kind::kNumber:
      out += datum.text;
      return;
    case Datum::Kind::kText:
      AppendText(random, datum.text, out);
      return;
    case Datum::Kind::kArray:
    case Datum::Kind::kObject:
      break;
  }
  const bool object = datum.kind == Datum::Kind::kObject;
  out += object ? '{' : '[';
  bool first = true;
  for (const Datum& part : datum.parts) {
    if (!std::exchange(first, false)) out += ',';
    blank();
    if (object) {
      AppendText(random, part.name, out);
      out += ':';
      blank();
    }
    AppendJson(random, part, out);
    blank();
  }
  out += object ? '}' : ']';
}

Datum Named(std::string name, Datum datum) {
  datum.name = std::move(name);
  return datum;
}

Datum RandomDatum(Random& random, int depth) {
  switch (random.Below(depth > 0 ? 12 : 7)) {
    case 0:
      return {};
    case 1:
      return {Datum::Kind::kBool, Chance(random, 2) ? "true" : "false"};
    case 2:
    case 3:
      return {Datum::Kind::kNumber, Pick(random, kNumbers)};
    case 4:
    case 5:
    case 6:
      return {Datum::Kind::kText, Pick(random, kWords)};
    case 7:
    case 8: {
      Datum array{Datum::Kind::kArray};
      for (std::uint64_t n = random.Below(4); n > 0; --n) {
        array.parts.push_back(RandomDatum(random, depth - 1));
      }
      return array;
    }
    default: {
      Datum object{Datum::Kind::kObject};
      for (std::uint64_t n = random.Below(4); n > 0; --n) {
        object.parts.push_back(Named(Pick(random, kKeys), RandomDatum(random, depth - 1)));
      }
      return object;
    }
  }
}

Datum Member(std::string name, Datum value) {
  Datum object{Datum::Kind::kObject};
  object.parts.push_back(Named(std::move(name), std::move(value)));
  return object;
}

Datum RandomAttributes(Random& random) {
  Datum root{Datum::Kind::kObject};
  for (std::uint64_t n = random.Below(6); n > 0; --n) {
    root.parts.push_back(Named(Pick(random, kKeys), RandomDatum(random, 3)));
  }
  // What aliases and addresses look at.
  if (Chance(random, 3)) {
    Datum to{Datum::Kind::kArray};
    for (std::uint64_t n = random.Below(3); n > 0; --n) {
      to.parts.push_back({Datum::Kind::kText, Pick(random, kWords)});
    }
    root.parts.push_back(Named("mail", Member("destination", std::move(to))));
  }
  if (Chance(random, 4)) {
    root.parts.push_back(
        Named("email", Member("recipient", Member("address", RandomDatum(random, 1)))));
  }
  if (Chance(random, 6))
    root.parts.push_back(Named("event", Member("name", RandomDatum(random, 0))));
  if (Chance(random, 6)) root.parts.push_back(Named("mail.source", RandomDatum(random, 0)));
  if (Chance(random, 6))
    root.parts.push_back(Named("dd", Member("trace_id", RandomDatum(random, 1))));
  return root;
}

// --- Searches --------------------------------------------------------------------------------

constexpr int kSubqueriesMax = 2;

// Writes one search.
class Writer {
 public:
  explicit Writer(Random& random) : random_(random) {}

  RandomSearch Query(int depth) { return Node(depth, nullptr); }

 private:
  std::string Blanks() {
    static constexpr std::array<std::string_view, 5> kBlanks = {" ", " ", "  ", "\t", "\n "};
    return Pick(random_, kBlanks);
  }

  // A backslash wherever the language needs one in a word, and now and then where it does not.
  // What matters at the front of a value only is left alone unless `at_front`.
  std::string Escape(const std::string& text,
                     bool first_may_be_minus = false,
                     bool at_front = true) {
    constexpr std::string_view kAlways = " \t\n\r()[]{}\"\\*?:";
    constexpr std::string_view kFirst = "!~^=+-<>@#&|_";
    std::string out;
    const bool keyword = text == "AND" || text == "OR" || text == "NOT" || text == "TO";
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      const bool first = i == 0 && at_front &&
                         (keyword || kFirst.find(c) != std::string_view::npos) &&
                         !(c == '-' && first_may_be_minus);
      const bool quote = text.substr(i).starts_with("“") || text.substr(i).starts_with("”");
      if (kAlways.find(c) != std::string_view::npos || first || quote ||
          (letter && Chance(random_, 60))) {
        out += '\\';
      }
      out += c;
    }
    return out;
  }

  std::string Phrase(const std::string& text) {
    const bool typographic = Chance(random_, 5);
    std::string out = typographic ? "“" : "\"";
    for (std::size_t i = 0; i < text.size(); ++i) {
      const std::string_view rest = std::string_view(text).substr(i);
      const bool quote = rest.starts_with("“") || rest.starts_with("”");
      if (text[i] == '"' || text[i] == '\\' || (typographic && quote)) out += '\\';
      out += text[i];
    }
    return out + (typographic ? "”" : "\"");
  }

  // `field:`, as it stands before a value.
  static std::string Escaped(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
      constexpr std::string_view kAlways = " ()[]{}\"\\*?:";
      if (kAlways.find(name[i]) != std::string_view::npos) out += '\\';
      out += name[i];
    }
    return out;
  }

  static std::string Prefix(const std::string& field) {
    if (field == "*") return "*:";
    return Escaped(field) + ":";
  }

  std::string RandomField() {
    switch (random_.Below(12)) {
      case 0:
      case 1:
        return "";
      case 2:
        return "*";
      case 3:
        return Pick(random_, kReserved);
      case 4:
        return Pick(random_, kTagKeys);
      case 5:
        return "tags";
      case 6:
        return Chance(random_, 2) ? "recipient" : "sender";
      default:
        return "@" + Pick(random_, kPaths);
    }
  }

  std::string RandomText(const std::string& field) {
    if (field == "status") return Pick(random_, kStatusSpellings);
    if (field == "timestamp") {
      return std::to_string(kStartMs + static_cast<std::int64_t>(random_.Below(4000)));
    }
    if (field == "tags") return Pick(random_, kTags);
    if (!field.empty() && field[0] != '@' && Chance(random_, 2)) {
      const std::string tag = Pick(random_, kTags);
      return tag.substr(tag.find(':') + 1);
    }
    if (field.size() > 1 && field[0] == '@' && Chance(random_, 3)) return Pick(random_, kNumbers);
    std::string word = Pick(random_, kWords);
    if (Chance(random_, 4)) {  // a part of it
      const std::vector<std::string> characters = CodePoints(word);
      if (!characters.empty()) {
        const std::size_t begin = random_.Below(characters.size());
        const std::size_t end = begin + 1 + random_.Below(characters.size() - begin);
        word.clear();
        for (std::size_t i = begin; i < end; ++i) word += characters[i];
      }
    }
    return word;
  }

  // `value` behind the field, or alone where the field holds anyway.
  RandomSearch Named(Meaning meaning, const std::string& value, bool bare) {
    return {bare ? value : Prefix(meaning.field) + value, std::move(meaning)};
  }

  RandomSearch Term(const std::string& field, bool bare) {
    Meaning meaning;
    meaning.kind = Meaning::Kind::kTerm;
    meaning.field = field;
    meaning.value = RandomText(field);
    meaning.quoted = meaning.value.empty() || Chance(random_, 3);
    const std::string value = meaning.quoted
                                  ? Phrase(meaning.value)
                                  : Escape(meaning.value, !bare && IsNumber(meaning.value));
    return Named(std::move(meaning), value, bare);
  }

  static bool IsNumber(const std::string& text) { return text == "-7" || text == "-0.5"; }

  RandomSearch Wildcard(const std::string& field, bool bare) {
    Meaning meaning;
    meaning.kind = Meaning::Kind::kWildcard;
    meaning.field = field;
    using Sign = Meaning::Sign;
    for (const std::string& character : CodePoints(RandomText(field))) {
      switch (random_.Below(8)) {
        case 0:
          meaning.signs.push_back({Sign::Kind::kAnyRun, ""});
          break;
        case 1:
          meaning.signs.push_back({Sign::Kind::kAnyOne, ""});
          break;
        default:
          meaning.signs.push_back({Sign::Kind::kCharacter, character});
      }
    }
    const bool wild = std::any_of(meaning.signs.begin(), meaning.signs.end(), [](const Sign& sign) {
      return sign.kind != Sign::Kind::kCharacter;
    });
    if (!wild) {
      const Sign star{Sign::Kind::kAnyRun, ""};
      meaning.signs.insert(Chance(random_, 2) ? meaning.signs.begin() : meaning.signs.end(), star);
    }
    std::string value;
    std::string literal;
    const auto flush = [&] {
      value += Escape(literal, /*first_may_be_minus=*/false, /*at_front=*/value.empty());
      literal.clear();
    };
    for (const Sign& sign : meaning.signs) {
      if (sign.kind == Sign::Kind::kCharacter) {
        literal += sign.character;
        continue;
      }
      flush();
      value += sign.kind == Sign::Kind::kAnyRun ? '*' : '?';
    }
    flush();
    return Named(std::move(meaning), value, bare);
  }

  Meaning::Bound RandomBound(const std::string& field) {
    static constexpr std::array<std::string_view, 7> kMeasures = {
        "20ms", "1.5s", "3us", "1m", "2KB", "1KiB", "-7ms"};
    Meaning::Bound bound;
    bound.inclusive = Chance(random_, 2);
    bound.quoted = Chance(random_, 5);
    const bool attribute = !field.empty() && field[0] == '@';
    bound.text = attribute && Chance(random_, 6)   ? Pick(random_, kMeasures)
                 : attribute && Chance(random_, 2) ? Pick(random_, kNumbers)
                                                   : RandomText(field);
    if (bound.text.empty()) bound.quoted = true;
    return bound;
  }

  std::string BoundText(const Meaning::Bound& bound) {
    return bound.quoted ? Phrase(bound.text) : Escape(bound.text, /*first_may_be_minus=*/true);
  }

  RandomSearch Range(const std::string& field, bool bare) {
    Meaning meaning;
    meaning.kind = Meaning::Kind::kRange;
    meaning.field = field;
    if (Chance(random_, 2)) {  // a comparison
      const bool low = Chance(random_, 2);
      const Meaning::Bound bound = RandomBound(field);
      (low ? meaning.low : meaning.high) = bound;
      const std::string op = std::string(low ? ">" : "<") + (bound.inclusive ? "=" : "");
      return Named(std::move(meaning), op + BoundText(bound), bare);
    }
    const bool inclusive = Chance(random_, 2);
    std::string value = inclusive ? "[" : "{";
    if (Chance(random_, 6)) {
      value += '*';
    } else {
      meaning.low = RandomBound(field);
      meaning.low->inclusive = inclusive;
      value += BoundText(*meaning.low);
    }
    value += Blanks() + "TO" + Blanks();
    if (Chance(random_, 6)) {
      value += '*';
    } else {
      meaning.high = RandomBound(field);
      meaning.high->inclusive = inclusive;
      value += BoundText(*meaning.high);
    }
    value += inclusive ? ']' : '}';
    return Named(std::move(meaning), value, bare);
  }

  RandomSearch Exists(const std::string& field) {
    Meaning meaning;
    meaning.kind = Meaning::Kind::kExists;
    meaning.field = field;
    if (field.empty()) return {"*", meaning};
    if (field == "*" || Chance(random_, 2)) return {Prefix(field) + "*", meaning};
    const std::string name = Chance(random_, 6) ? Phrase(field) : Escaped(field);
    if (Chance(random_, 2)) return {"_exists_:" + name, meaning};
    return {"_missing_:" + name, Negation(std::move(meaning))};
  }

  RandomSearch Cidr() {
    static constexpr std::array<std::string_view, 5> kBlocks = {
        "10.0.0.0/8", "10.1.2.3/32", "2001:db8::/32", "10.1.0.0/16", "::/0"};
    static constexpr std::array<std::string_view, 4> kFields = {"@ip", "@a", "host", "@to"};
    Meaning meaning;
    meaning.kind = Meaning::Kind::kCidr;
    meaning.field = Pick(random_, kFields);
    std::string text = "CIDR(" + meaning.field;
    for (std::uint64_t n = 1 + random_.Below(2); n > 0; --n) {
      meaning.blocks.push_back(Pick(random_, kBlocks));
      text += (Chance(random_, 2) ? ", " : ",") + meaning.blocks.back();
    }
    return {text + ")", std::move(meaning)};
  }

  RandomSearch Subquery(int depth) {
    ++subqueries_;
    Meaning in;
    in.kind = Meaning::Kind::kIn;
    in.field = "@" + Pick(random_, kPaths);
    RandomSearch inner = Node(std::min(depth, 1), nullptr);
    in.parts.push_back(std::move(inner.meaning));
    const std::string name = Escaped(in.field);
    if (Chance(random_, 2)) return {name + " IN (" + inner.text + ")", std::move(in)};
    Meaning exists;
    exists.kind = Meaning::Kind::kExists;
    exists.field = in.field;
    Meaning both;
    both.parts = {std::move(exists), Negation(std::move(in))};
    return {name + Blanks() + "NOT" + Blanks() + "IN (" + inner.text + ")", std::move(both)};
  }

  // `@ses:tag:x`, without a backslash: path and value are divided in every way.
  RandomSearch Divided() {
    static constexpr std::array<std::string_view, 6> kParts = {"ses", "tag", "a", "x", "y", "bob"};
    std::vector<std::string> parts;
    for (std::uint64_t n = 2 + random_.Below(3); n > 0; --n) parts.push_back(Pick(random_, kParts));
    Meaning any;
    any.kind = Meaning::Kind::kOr;
    for (std::size_t divide = 1; divide < parts.size(); ++divide) {
      Meaning term;
      term.kind = Meaning::Kind::kTerm;
      term.field = "@" + Joined(parts, 0, divide);
      term.value = Joined(parts, divide, parts.size());
      any.parts.push_back(std::move(term));
    }
    return {"@" + Joined(parts, 0, parts.size()), std::move(any)};
  }

  static std::string Joined(const std::vector<std::string>& parts, std::size_t i, std::size_t end) {
    std::string out = parts[i];
    while (++i < end) out += ":" + parts[i];
    return out;
  }

  // `*:a b`: what follows looks everywhere too.
  RandomSearch AllTextRun() {
    Meaning all;
    std::string text;
    for (std::uint64_t n = 2 + random_.Below(2); n > 0; --n) {
      RandomSearch term = Term("*", /*bare=*/!text.empty());
      text += (text.empty() ? "" : Blanks()) + term.text;
      all.parts.push_back(std::move(term.meaning));
    }
    return {text, std::move(all)};
  }

  static Meaning Negation(Meaning meaning) {
    Meaning no;
    no.kind = Meaning::Kind::kNot;
    no.parts.push_back(std::move(meaning));
    return no;
  }

  RandomSearch Leaf(int depth, const std::string* scope) {
    if (scope == nullptr || Chance(random_, 4)) {
      const std::uint64_t odd = random_.Below(24);
      if (odd == 0) return Cidr();
      if (odd == 1 && subqueries_ < kSubqueriesMax) return Subquery(depth);
      if (odd == 2) return Divided();
      if (odd == 3 && scope == nullptr) return AllTextRun();
    }
    const bool bare = scope != nullptr && !Chance(random_, 5);
    std::string field = bare ? *scope : RandomField();
    if (scope != nullptr && !bare && field.empty()) field = "*";
    const bool unnamed = bare || field.empty();
    switch (random_.Below(7)) {
      case 0:
        return Wildcard(field, unnamed);
      case 1:
        return Range(field, unnamed);
      case 2:
        if (bare) return Term(field, true);
        return Exists(field);
      default:
        return Term(field, unnamed);
    }
  }

  RandomSearch FieldGroup(int depth) {
    std::string field = RandomField();
    if (field.empty()) field = "service";
    RandomSearch inner = Node(depth - 1, &field);
    return {Prefix(field) + "(" + inner.text + ")", std::move(inner.meaning)};
  }

  RandomSearch Negated(int depth, const std::string* scope) {
    RandomSearch inner = Operand(depth - 1, scope);
    const bool run = inner.meaning.kind == Meaning::Kind::kAnd && inner.text.starts_with("*:");
    if (run) inner.text = "(" + inner.text + ")";
    const std::string sign = Chance(random_, 2) ? "-" : "NOT" + Blanks();
    return {sign + inner.text, Negation(std::move(inner.meaning))};
  }

  // What may stand beside AND, OR and NOT.
  RandomSearch Operand(int depth, const std::string* scope) {
    if (depth <= 0 || Chance(random_, 3)) return Leaf(depth, scope);
    if (Chance(random_, 4)) return Negated(depth, scope);
    if (scope == nullptr && Chance(random_, 4)) return FieldGroup(depth);
    RandomSearch inner = Node(depth - 1, scope);
    return {"(" + inner.text + ")", std::move(inner.meaning)};
  }

  // `a b AND c`: after `*:a` a bare word would look everywhere, so a word says AND there.
  RandomSearch Conjunction(int depth, const std::string* scope) {
    Meaning all;
    std::string text;
    bool open = false;
    for (std::uint64_t n = 1 + random_.Below(3); n > 0; --n) {
      RandomSearch part = Operand(depth, scope);
      if (!text.empty()) {
        static constexpr std::array<std::string_view, 4> kJoins = {" ", "\t", " AND ", " && "};
        text += open ? " AND " : Pick(random_, kJoins);
      }
      open = part.text.find("*:") != std::string::npos;
      text += part.text;
      all.parts.push_back(std::move(part.meaning));
    }
    return {text, std::move(all)};
  }

  RandomSearch Node(int depth, const std::string* scope) {
    if (depth <= 0) return Leaf(depth, scope);
    Meaning any;
    any.kind = Meaning::Kind::kOr;
    std::string text;
    for (std::uint64_t n = Chance(random_, 2) ? 1 : 1 + random_.Below(3); n > 0; --n) {
      RandomSearch part = Conjunction(depth - 1, scope);
      if (!text.empty()) text += Chance(random_, 4) ? " || " : Blanks() + "OR" + Blanks();
      text += part.text;
      any.parts.push_back(std::move(part.meaning));
    }
    return {text, std::move(any)};
  }

  Random& random_;
  int subqueries_ = 0;
};

}  // namespace

NaiveEvent RandomNaiveEvent(Random& random, std::uint32_t n) {
  NaiveEvent naive;
  store::Event& event = naive.event;
  event.timestamp_ms =
      kStartMs + static_cast<std::int64_t>(n) * 10 + static_cast<std::int64_t>(random.Below(3000));
  event.ingested_at_ms = kStartMs + static_cast<std::int64_t>(n) * 10;
  event.id = store::EventId::Make(event.ingested_at_ms,
                                  {static_cast<std::uint8_t>(random.Below(256)),
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   0,
                                   static_cast<std::uint8_t>(n >> 8),
                                   static_cast<std::uint8_t>(n)});
  for (std::uint64_t words = random.Below(4); words > 0; --words) {
    event.message += Pick(random, kWords) + (Chance(random, 3) ? "-" : " ");
  }
  event.status = Pick(random, kStatuses);
  event.service = Pick(random, kWords);
  event.source = Chance(random, 2) ? "ses" : "";
  event.host = Pick(random, kWords);
  for (std::uint64_t tags = random.Below(4); tags > 0; --tags) {
    event.tags.push_back(Pick(random, kTags));
  }
  naive.attributes = RandomAttributes(random);
  AppendJson(random, naive.attributes, event.attributes = "");
  return naive;
}

RandomSearch MakeRandomSearch(Random& random) {
  Writer writer(random);
  return writer.Query(static_cast<int>(random.Below(5)));
}

}  // namespace postglass::query
