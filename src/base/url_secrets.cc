#include "base/url_secrets.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/encoding.h"

namespace postglass {
namespace {

// A URL inside a URL inside … deeper than this is masked as a whole.
constexpr int kNestingMax = 3;
constexpr std::size_t kUuidChars = 36;
constexpr std::size_t kSchemeCharsMax = 32;
// Fewer letters and digits than this are never "long and random" by themselves.
constexpr std::size_t kRandomCharsMin = 16;
// Longer runs of digits than any counter, time or telephone number.
constexpr std::size_t kDigitsRunMax = 23;
// A path segment that asks for a secret is a word or three, not the slug of an article.
constexpr std::size_t kAskingWordsMax = 3;

// Words of a parameter's name whose value is a secret whatever it looks like.
constexpr std::string_view kSecretWords[] = {
    "token",       "tokens",    "jwt",      "sig",       "signature", "secret",    "otp",
    "totp",        "password",  "passwd",   "passwort",  "pwd",       "passcode",  "hmac",
    "oob",         "session",   "sess",     "sid",       "sessionid", "apikey",    "credential",
    "credentials", "bearer",    "nonce",    "assertion", "authtoken", "accesskey", "authkey",
    "saml",        "magiclink", "secretkey"};

// How names end that are written without a break, or with one: accesstoken, api_key, PHPSESSID.
constexpr std::string_view kSecretEndings[] = {"token",
                                               "secret",
                                               "password",
                                               "signature",
                                               "apikey",
                                               "accesskey",
                                               "sessionid",
                                               "sessid",
                                               "passcode",
                                               "authkey",
                                               "privatekey"};

// Words that name a secret or something harmless (`state=open`, `key=name`): the value decides.
constexpr std::string_view kDoubtfulWords[] = {"code",
                                               "key",
                                               "reset",
                                               "confirm",
                                               "confirmation",
                                               "auth",
                                               "authorization",
                                               "ticket",
                                               "state",
                                               "hash",
                                               "t",
                                               "k",
                                               "verify",
                                               "verification",
                                               "invite",
                                               "magic",
                                               "pin",
                                               "invitation",
                                               "activation",
                                               "activate",
                                               "challenge",
                                               "login",
                                               "unlock",
                                               "pass",
                                               "s",
                                               "digest",
                                               "mac",
                                               "recovery",
                                               "recover",
                                               "access",
                                               "checksum",
                                               "unsubscribe",
                                               "c",
                                               "h"};

// Words before `code` and `key` that make them harmless: country_code, sort_key.
constexpr std::string_view kHarmlessQualifiers[] = {
    "country",  "zip",      "postal",   "post",  "error",    "status",  "lang",
    "language", "currency", "product",  "item",  "area",     "region",  "locale",
    "promo",    "coupon",   "discount", "color", "colour",   "sort",    "foreign",
    "http",     "response", "qr",       "bar",   "campaign", "partner", "airport"};

// Identifiers of advertising systems: long and random, but they open nothing.
constexpr std::string_view kHarmlessNames[] = {"gclid",
                                               "fbclid",
                                               "msclkid",
                                               "dclid",
                                               "yclid",
                                               "wbraid",
                                               "gbraid",
                                               "message_id",
                                               "messageid",
                                               "msgid",
                                               "message-id"};

// Segments of a path that are followed by the secret they ask for.
constexpr std::string_view kAskingWords[] = {
    "reset",        "recover",  "recovery",    "confirm",   "confirmation", "verify",
    "verification", "token",    "tokens",      "magic",     "invite",       "invitation",
    "invitations",  "activate", "activation",  "unlock",    "otp",          "signin",
    "login",        "auth",     "password",    "passwords", "secret",       "validate",
    "authenticate", "sso",      "unsubscribe", "optin"};

template <std::size_t N>
bool In(std::string_view word, const std::string_view (&words)[N]) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }

bool IsLetter(char c) { return IsLower(c) || IsUpper(c); }

bool IsAlnum(char c) { return IsLetter(c) || IsDigit(c); }

bool IsHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool IsBase64Url(char c) { return IsAlnum(c) || c == '-' || c == '_'; }

// Which letters words of European languages put behind each letter, generously. Random letters
// leave the table two times in five, words hardly ever.
constexpr std::array<std::string_view, 26> kFollowers = {
    "abcdefghijklmnopqrstuvwxyz",  // a
    "abdeijlorstuvy",
    "acehiklnoqrstuyz",
    "adegijlmnorsuvwyz",
    "abcdefghijklmnopqrstuvwxyz",  // e
    "aefilorstuy",
    "adeghilmnorstuy",
    "aehilmnorstuwy",
    "abcdefgklmnopqrstvxz",  // i
    "aeiou",
    "aehiklnorstuwy",
    "abcdefgiklmopstuvyz",
    "abeilmnopstuy",
    "acdefghijklnoqstuvyz",
    "abcdefghiklmnoprstuvwxyz",  // o
    "aefhilnoprstuwy",
    "u",
    "abcdefghiklmnopqrstuvwyz",
    "acehiklmnopqstuwyz",
    "acehilmnorstuwyz",
    "abcdefgiklmnprstvxz",  // u
    "aeioruy",
    "aehiklnorstuy",
    "acehiopqtuy",
    "abcdeiklmnoprstuwz",
    "aehilotuwyz",
};

constexpr std::array<std::uint32_t, 26> MakeFollowerBits() {
  std::array<std::uint32_t, 26> bits{};
  for (std::size_t i = 0; i < kFollowers.size(); ++i) {
    for (const char c : kFollowers[i]) bits[i] |= std::uint32_t{1} << (c - 'a');
  }
  return bits;
}

constexpr std::array<std::uint32_t, 26> kFollowerBits = MakeFollowerBits();

bool Pronounceable(char a, char b) {
  const int first = IsUpper(a) ? a - 'A' : a - 'a';
  const int second = IsUpper(b) ? b - 'A' : b - 'a';
  return (kFollowerBits[static_cast<std::size_t>(first)] >> second & 1U) != 0;
}

bool UuidAt(std::string_view text, std::size_t at) {
  if (text.size() - at < kUuidChars) return false;
  for (std::size_t i = 0; i < kUuidChars; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[at + i] != '-' : !IsHex(text[at + i])) return false;
  }
  return at + kUuidChars == text.size() || !IsAlnum(text[at + kUuidChars]);
}

bool IsUuid(std::string_view text) { return text.size() == kUuidChars && UuidAt(text, 0); }

// 16 hex digits, UUID, "000000": the message and feedback ids of SES.
bool IsSesId(std::string_view text) {
  constexpr std::size_t kTime = 16;
  if (text.size() != kTime + 1 + kUuidChars + 7 || text[kTime] != '-') return false;
  return std::all_of(text.begin(), text.begin() + kTime, IsHex) && UuidAt(text, kTime + 1) &&
         text.substr(kTime + 1 + kUuidChars) == "-000000";
}

// An address or an RFC 5322 message id.
bool IsAddress(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == 0 || at == std::string_view::npos) return false;
  const std::string_view domain = text.substr(at + 1);
  return domain.find('.') != std::string_view::npos &&
         std::all_of(domain.begin(), domain.end(), [](char c) {
           return IsAlnum(c) || c == '.' || c == '-' || c == '>';
         });
}

// Length of the JWT (or JWE) that begins at `at`, 0 when there is none. Its header is a JSON
// object, so it begins with the base64 of `{"`. `scanned` is where the next look may begin.
std::size_t JwtLength(std::string_view text, std::size_t at, std::size_t* scanned) {
  constexpr std::string_view kStart = "eyJ";
  std::size_t end = at;
  std::size_t dots = 0;
  std::size_t second_part = 0;
  while (end < text.size() && (IsBase64Url(text[end]) || text[end] == '.')) {
    if (text[end] == '.') {
      ++dots;
    } else if (dots == 1) {
      ++second_part;
    }
    ++end;
  }
  *scanned = end;
  if (text.substr(at, kStart.size()) != kStart) return 0;
  while (end > at && text[end - 1] == '.') {  // the full stop of a sentence
    --end;
    --dots;
  }
  constexpr std::size_t kPartMin = 8;
  return dots >= 1 && dots <= 4 && second_part >= kPartMin ? end - at : 0;
}

bool IsJwt(std::string_view text) {
  std::size_t scanned = 0;
  return JwtLength(text, 0, &scanned) == text.size() && !text.empty();
}

struct Measures {
  std::size_t chars = 0;  // letters and digits
  std::size_t digits = 0;
  std::size_t odd_pairs = 0;   // neighbouring letters that words do not have
  std::size_t changes = 0;     // between letter and digit
  std::size_t digits_run = 0;  // the longest
  std::size_t odd_humps = 0;   // capitals after a "word" of one or two letters: aBcXd
};

// UUIDs within `text` are left out of the measures.
Measures Measure(std::string_view text) {
  Measures m;
  std::size_t run = 0;
  std::size_t word = 0;  // letters since the last capital or break
  char before = '\0';
  for (std::size_t i = 0; i < text.size();) {
    if (!IsAlnum(before) && UuidAt(text, i)) {
      i += kUuidChars;
      before = '0';
      run = 0;
      continue;
    }
    const char c = text[i++];
    run = IsDigit(c) ? run + 1 : 0;
    m.digits_run = std::max(m.digits_run, run);
    if (IsAlnum(c)) {
      ++m.chars;
      if (IsDigit(c)) ++m.digits;
      if (IsLetter(c) && IsLetter(before) && !Pronounceable(before, c)) ++m.odd_pairs;
      if (IsAlnum(before) && IsDigit(c) != IsDigit(before)) ++m.changes;
      if (IsLower(before) && IsUpper(c) && word < 3) ++m.odd_humps;
      word = IsUpper(c) || !IsLetter(before) ? 1 : word + 1;
    }
    before = c;
  }
  return m;
}

// Two changes are ordinary ("step2of3"); what is beyond counts as the odd pairs do.
std::size_t Score(const Measures& m) {
  return m.odd_pairs + m.odd_humps + (m.changes > 2 ? m.changes - 2 : 0);
}

// What holds a mask was looked at before; judging its rest anew would make masking unstable.
bool HoldsMask(std::string_view text) { return text.find(kUrlMask) != std::string_view::npos; }

bool LooksRandom(std::string_view value) {
  if (value.size() < kRandomCharsMin || HoldsMask(value)) return false;
  if (IsSesId(value) || IsAddress(value)) return false;
  if (IsJwt(value)) return true;
  const Measures m = Measure(value);
  if (m.digits_run > kDigitsRunMax) return true;
  if (m.chars < kRandomCharsMin) return false;
  const std::size_t score = Score(m);
  return score >= 3 && score * 6 >= m.chars;
}

// Behind a doubtful name or an asking segment: a word or a small number is harmless, all else not.
bool LooksLikeCode(std::string_view value) {
  constexpr std::size_t kCodeMin = 4;
  constexpr std::size_t kWordMax = 24;
  if (value.size() < kCodeMin || HoldsMask(value)) return false;
  if (IsAddress(value)) return false;
  if (IsUuid(value) || LooksRandom(value)) return true;
  const Measures m = Measure(value);
  if (m.chars == 0) return false;
  if (m.digits == m.chars) return true;
  if (m.digits > 0) return m.chars >= 6;
  const bool shouted = std::none_of(value.begin(), value.end(), IsLower);
  const bool mixed = IsUpper(value[0]) ? std::count_if(value.begin(), value.end(), IsUpper) > 3
                                       : std::any_of(value.begin(), value.end(), IsUpper);
  return shouted ? value.size() >= 6
                 : (mixed && m.odd_pairs > 0) || m.odd_pairs * 4 >= m.chars ||
                       (value.size() > kWordMax && m.odd_pairs > 2);
}

// Words of a name: split at everything that is not a letter or digit, and at camelCase humps.
std::vector<std::string> Words(std::string_view name) {
  constexpr std::size_t kNameCharsMax = 128;  // longer names are cut: nobody names a secret so
  name = name.substr(0, kNameCharsMax);
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool hump = i > 0 && IsUpper(c) && IsLower(name[i - 1]);
    if ((!IsAlnum(c) || hump) && !word.empty()) {
      words.push_back(AsciiLower(word));
      word.clear();
    }
    if (IsAlnum(c)) word += c;
  }
  if (!word.empty()) words.push_back(AsciiLower(word));
  return words;
}

enum class NameKind { kUnknown, kHarmless, kDoubtful, kSecret };

NameKind KindOfName(std::string_view name) {
  const std::string lower = AsciiLower(name);
  if (In(lower, kHarmlessNames) || lower.starts_with("utm_")) return NameKind::kHarmless;
  const std::vector<std::string> words = Words(name);
  NameKind kind = NameKind::kUnknown;
  std::string joined;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    joined += word;
    if (In(word, kSecretWords)) return NameKind::kSecret;
    for (const std::string_view ending : kSecretEndings) {
      if (joined.ends_with(ending)) return NameKind::kSecret;  // accesstoken, api_key
    }
    if (!In(word, kDoubtfulWords)) continue;
    // One letter names a secret only when it is the whole name.
    if (word.size() == 1 && words.size() > 1) continue;
    const bool qualified = i > 0 && In(words[i - 1], kHarmlessQualifiers);
    if (!qualified) kind = NameKind::kDoubtful;
  }
  return kind;
}

bool AsksForSecret(std::string_view segment) {
  if (HoldsMask(segment)) return false;
  const std::vector<std::string> words = Words(segment);
  return !words.empty() && words.size() <= kAskingWordsMax &&
         std::any_of(words.begin(), words.end(), [](const std::string& word) {
           return In(word, kAskingWords);
         });
}

class Masker {
 public:
  explicit Masker(int depth) : depth_(depth) {}

  void Url(std::string_view url);

  std::string TakeText() { return std::move(out_); }

  bool found() const { return found_; }

 private:
  void Mask() {
    out_ += kUrlMask;
    found_ = true;
  }

  void Authority(std::string_view authority);
  // `asked`: what stands before the path asks for a secret.
  void Path(std::string_view path, bool asked = false);
  void Query(std::string_view query);
  void Fragment(std::string_view fragment);
  void Parameter(std::string_view parameter);
  // A value that nothing names.
  void Value(std::string_view raw);
  // Looks into a value that is itself a URL. False: it is not one, nothing was written.
  bool Nested(std::string_view raw, const std::string& decoded);

  int depth_;
  bool found_ = false;
  std::string out_;
};

void Masker::Url(std::string_view url) {
  out_.reserve(url.size());
  const std::size_t hash = url.find('#');
  const std::string_view fragment =
      hash == std::string_view::npos ? std::string_view() : url.substr(hash + 1);
  std::string_view rest = url.substr(0, hash);
  const std::size_t mark = rest.find('?');
  const std::string_view query =
      mark == std::string_view::npos ? std::string_view() : rest.substr(mark + 1);
  rest = rest.substr(0, mark);

  bool asked = false;
  const std::size_t scheme = rest.find("://");
  if (scheme != std::string_view::npos && scheme <= kSchemeCharsMax) {
    const std::size_t authority = scheme + 3;
    const std::size_t path = std::min(rest.find('/', authority), rest.size());
    out_ += rest.substr(0, authority);
    const std::string_view host = rest.substr(authority, path - authority);
    Authority(host);
    // In app links the place of the host holds the first word of the path: myapp://reset/…
    asked = !AsciiLower(rest.substr(0, scheme)).starts_with("http") && AsksForSecret(host);
    rest.remove_prefix(path);
  }
  Path(rest, asked);
  if (mark != std::string_view::npos) {
    out_ += '?';
    Query(query);
  }
  if (hash != std::string_view::npos) {
    out_ += '#';
    Fragment(fragment);
  }
}

void Masker::Authority(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  const std::size_t colon = authority.find(':');
  const bool has_password = at != std::string_view::npos && colon < at &&
                            authority.substr(colon + 1, at - colon - 1) != kUrlMask;
  if (!has_password || colon + 1 == at) {
    out_ += authority;
    return;
  }
  out_ += authority.substr(0, colon + 1);
  Mask();
  out_ += authority.substr(at);
}

void Masker::Path(std::string_view path, bool asked) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    // Parameters of a segment (RFC 3986 §3.3): /page;jsessionid=…
    const std::string_view segment = path.substr(begin, end - begin);
    const std::size_t semicolon = segment.find(';');
    const std::string_view name = segment.substr(0, semicolon);
    const std::string decoded = PercentDecode(name);
    const std::size_t written = out_.size();
    if (asked && LooksLikeCode(decoded)) {
      Mask();
    } else {
      Value(name);
    }
    const bool masked = HoldsMask(std::string_view(out_).substr(written));
    if (!name.empty()) asked = !masked && AsksForSecret(decoded);
    if (semicolon != std::string_view::npos) {
      out_ += ';';
      Query(segment.substr(semicolon + 1));
    }
    if (end == path.size()) break;
    out_ += '/';
    begin = end + 1;
  }
}

void Masker::Query(std::string_view query) {
  // ';' too: it separates parameters in old forms, and it ends "&amp;" in text taken from HTML.
  for (std::size_t begin = 0; begin <= query.size();) {
    const std::size_t end = std::min(query.find_first_of("&;", begin), query.size());
    Parameter(query.substr(begin, end - begin));
    if (end == query.size()) break;
    out_ += query[end];
    begin = end + 1;
  }
}

void Masker::Fragment(std::string_view fragment) {
  // A route of a single-page application, parameters of an implicit grant, or an anchor.
  if (fragment.starts_with("/") || fragment.starts_with("!/")) {
    const std::size_t mark = fragment.find('?');
    Path(fragment.substr(0, mark));
    if (mark == std::string_view::npos) return;
    out_ += '?';
    Query(fragment.substr(mark + 1));
  } else {
    Query(fragment);
  }
}

void Masker::Parameter(std::string_view parameter) {
  const std::size_t equals = parameter.find('=');
  if (equals == std::string_view::npos) return Value(parameter);
  const std::string_view raw_value = parameter.substr(equals + 1);
  out_ += parameter.substr(0, equals + 1);
  const std::string value = FormDecode(raw_value);
  if (value.empty() || value == kUrlMask) {
    out_ += raw_value;
    return;
  }
  switch (KindOfName(PercentDecode(parameter.substr(0, equals)))) {
    case NameKind::kSecret:
      return Mask();
    case NameKind::kDoubtful:
      if (LooksLikeCode(value)) return Mask();
      return Value(raw_value);
    case NameKind::kHarmless:
      if (IsJwt(value)) return Mask();
      out_ += raw_value;
      return;
    case NameKind::kUnknown:
      return Value(raw_value);
  }
}

void Masker::Value(std::string_view raw) {
  const std::string decoded = PercentDecode(raw);
  if (Nested(raw, decoded)) return;
  if (LooksRandom(decoded)) return Mask();
  out_ += raw;
}

bool Masker::Nested(std::string_view raw, const std::string& decoded) {
  const bool url =
      decoded.find("://") != std::string::npos || decoded.find('?') != std::string::npos ||
      decoded.find('/') != std::string::npos || decoded.find("%3A") != std::string::npos ||
      decoded.find("%3a") != std::string::npos;
  if (!url) return false;
  if (depth_ >= kNestingMax) {
    Mask();
    return true;
  }
  Masker inner(depth_ + 1);
  inner.Url(decoded);
  if (inner.found()) {
    found_ = true;
    // The mask's asterisks stay readable; all else is encoded again.
    std::string encoded;
    const std::string masked = inner.TakeText();
    for (std::size_t begin = 0; begin <= masked.size();) {
      const std::size_t end = std::min(masked.find(kUrlMask, begin), masked.size());
      encoded += PercentEncode(std::string_view(masked).substr(begin, end - begin));
      if (end == masked.size()) break;
      encoded += kUrlMask;
      begin = end + kUrlMask.size();
    }
    out_ += encoded;
  } else {
    out_ += raw;
  }
  return true;
}

bool EndsUrl(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '<' || c == '>' || c == '\\' ||
         c == '`' || c == '^' || c == '{' || c == '}' || c == '|' || c == 0x7F;
}

bool IsSchemeChar(char c) { return IsAlnum(c) || c == '+' || c == '-' || c == '.'; }

// Where the URL whose "://" stands at `colon` begins; `colon` itself when no scheme is before it.
std::size_t SchemeBegin(std::string_view text, std::size_t from, std::size_t colon) {
  std::size_t begin = colon;
  while (begin > from && colon - begin < kSchemeCharsMax && IsSchemeChar(text[begin - 1])) --begin;
  return begin;
}

// Punctuation after a URL belongs to the sentence.
std::size_t UrlEnd(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size() && !EndsUrl(text[end])) ++end;
  constexpr std::string_view kPunctuation = ".,;:!?)]'";
  while (end > begin && kPunctuation.find(text[end - 1]) != std::string_view::npos) --end;
  return end;
}

}  // namespace

bool HasSecret(std::string_view url) {
  Masker masker(0);
  masker.Url(url);
  return masker.found();
}

std::string MaskUrl(std::string_view url) {
  Masker masker(0);
  masker.Url(url);
  return masker.TakeText();
}

std::string MaskText(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t done = 0;  // text before this is in `out`
  for (std::size_t i = 0; i < text.size();) {
    const bool at_word = i == 0 || !IsAlnum(text[i - 1]);
    std::size_t begin = std::string_view::npos;
    std::size_t end = i;
    std::string masked;
    if (text[i] == ':' && text.substr(i, 3) == "://") {
      begin = SchemeBegin(text, done, i);
      if (begin == i) begin = std::string_view::npos;
      end = UrlEnd(text, i + 3);
    } else if (at_word && (text[i] == 'w' || text[i] == 'W') &&
               EqualsIgnoreAsciiCase(text.substr(i, 4), "www.")) {
      begin = i;
      end = UrlEnd(text, i + 4);
    } else if (at_word && text[i] == 'e' && text.substr(i, 3) == "eyJ") {
      std::size_t scanned = i;
      const std::size_t length = JwtLength(text, i, &scanned);
      if (length > 0) {
        out += text.substr(done, i - done);
        out += kUrlMask;
        done = i + length;
      }
      i = scanned;
      continue;
    }
    if (begin == std::string_view::npos || end <= i) {
      ++i;
      continue;
    }
    out += text.substr(done, begin - done);
    out += MaskUrl(text.substr(begin, end - begin));
    done = end;
    i = end;
  }
  out += text.substr(done);
  return out;
}

}  // namespace postglass
