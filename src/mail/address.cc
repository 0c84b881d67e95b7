#include "mail/address.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/encoding.h"
#include "mail/encoded_word.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

auto Bad(std::string_view what) { return Fail(ErrorCode::kInvalidArgument, std::string(what)); }

bool IsControlOrBlank(char c) { return (c >= 0 && c <= ' ') || c == 0x7F; }

bool IsWide(char c) { return (c & 0x80) != 0; }

Status CheckQuotedLocal(std::string_view local) {
  for (std::size_t i = 1; i + 1 < local.size(); ++i) {
    if (local[i] == '\\') {
      ++i;
      if (i + 1 >= local.size()) return Bad("Quote not terminated");
    } else if (local[i] == '"') {
      return Bad("Quote not at local address end");
    }
    if (local[i] == '\r' || local[i] == '\n' || local[i] == '\0' || IsWide(local[i])) {
      return Bad("Local address contains control or whitespace");
    }
  }
  return {};
}

Status CheckLocal(std::string_view local) {
  if (local.empty()) return Bad("Missing local name");
  if (local.front() == '"') {
    if (local.size() < 2 || local.back() != '"') return Bad("Quote not terminated");
    return CheckQuotedLocal(local);
  }
  for (const char c : local) {
    if (IsControlOrBlank(c) || IsWide(c))
      return Bad("Local address contains control or whitespace");
    if (std::string_view("()<>,;:\\\"[]@").find(c) != std::string_view::npos) {
      return Bad("Local address contains illegal character");
    }
  }
  if (local.front() == '.') return Bad("Local address starts with dot");
  if (local.back() == '.') return Bad("Local address ends with dot");
  if (local.find("..") != std::string_view::npos) return Bad("Local address contains dot-dot");
  return {};
}

Status CheckDomain(std::string_view domain) {
  if (domain.empty()) return Bad("Missing domain");
  const bool literal = domain.front() == '[' && domain.back() == ']' && domain.size() > 2;
  if (literal) {
    domain.remove_prefix(1);
    domain.remove_suffix(1);
  }
  for (const char c : domain) {
    if (IsControlOrBlank(c)) return Bad("Domain contains control or whitespace");
    const bool letter_or_digit =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter_or_digit && c != '-' && c != '.' && !IsWide(c) && !(literal && c == ':')) {
      return Bad("Domain contains illegal character");
    }
  }
  if (domain.front() == '.') return Bad("Domain starts with dot");
  if (domain.back() == '.') return Bad("Domain ends with dot");
  if (domain.find("..") != std::string_view::npos) return Bad("Domain contains dot-dot");
  if (!IsUtf8(domain)) return Bad("Domain contains illegal character");
  return {};
}

Status CheckAddress(std::string_view address) {
  if (address.empty()) return Bad("Illegal address");
  if (address.size() > kAddressBytesMax) {
    return Bad(fmt::format("Address length is more than {} characters long", kAddressBytesMax));
  }
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return Bad("Missing final '@domain'");
  RETURN_IF_ERROR(CheckLocal(address.substr(0, at)));
  return CheckDomain(address.substr(at + 1));
}

// `"Alice \"A\" Example"` without its quotes.
std::string Unquote(std::string_view phrase) {
  phrase = TrimAscii(phrase);
  if (phrase.find('"') == std::string_view::npos) return DecodeEncodedWords(phrase);
  std::string out;
  out.reserve(phrase.size());
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    if (phrase[i] == '"') continue;
    if (phrase[i] == '\\' && i + 1 < phrase.size()) ++i;
    out += phrase[i];
  }
  // Not what RFC 2047 §5 allows, but encoded words within quotes are common.
  return DecodeEncodedWords(out);
}

// One pass over the list. Text outside angle brackets is gathered as the phrase (or, without
// brackets, the address), text inside as the address.
class ListParser {
 public:
  explicit ListParser(std::string_view text) : text_(text) {}

  Result<std::vector<Mailbox>> Parse() {
    for (at_ = 0; at_ < text_.size(); ++at_) RETURN_IF_ERROR(Step(text_[at_]));
    if (angle_ == Angle::kInside) return Bad("Missing '>'");
    if (in_group_) return Bad("Missing ';'");
    RETURN_IF_ERROR(EndMailbox(text_.size()));
    return std::move(found_);
  }

 private:
  enum class Angle { kNone, kInside, kBehind };

  std::string& gathered() { return angle_ == Angle::kInside ? inside_ : outside_; }

  Status Step(char c) {
    switch (c) {
      case '"':
        return Quoted();
      case '(':
        return Comment();
      case ')':
        return Bad("Unbalanced comment");
      case '[':
        return Literal();
      case '<':
        if (angle_ != Angle::kNone) return Bad("Extra route-addr");
        angle_ = Angle::kInside;
        return {};
      case '>':
        if (angle_ != Angle::kInside) return Bad("Missing '<'");
        angle_ = Angle::kBehind;
        return {};
      case ',':
        if (angle_ == Angle::kInside) break;
        return EndMailbox(at_);
      case ':':
        if (angle_ == Angle::kInside) break;
        if (in_group_ || angle_ == Angle::kBehind) return Bad("Nested group");
        in_group_ = true;
        Restart();
        return {};
      case ';':
        if (angle_ == Angle::kInside) break;
        if (!in_group_) return Bad("Illegal semicolon, not in group");
        RETURN_IF_ERROR(EndMailbox(at_));
        in_group_ = false;
        return {};
      default:
        break;
    }
    if (angle_ == Angle::kBehind && !IsControlOrBlank(c)) return Bad("Illegal address");
    gathered() += c;
    return {};
  }

  Status Quoted() {
    const std::size_t begin = at_;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    if (at_ >= text_.size()) return Bad("Unbalanced quoted string");
    if (angle_ == Angle::kBehind) return Bad("Illegal address");
    gathered() += text_.substr(begin, at_ - begin + 1);
    return {};
  }

  Status Comment() {
    std::size_t depth = 1;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '(') {
        if (++depth > kCommentDepthMax) return Bad("Illegal address");
      } else if (text_[at_] == ')' && --depth == 0) {
        return {};
      }
    }
    return Bad("Missing ')'");
  }

  Status Literal() {
    const std::size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return Bad("Missing ']'");
    if (angle_ == Angle::kBehind) return Bad("Illegal address");
    gathered() += text_.substr(at_, end - at_ + 1);
    at_ = end;
    return {};
  }

  void Restart() {
    outside_.clear();
    inside_.clear();
    angle_ = Angle::kNone;
    begin_ = at_ + 1;
  }

  Status EndMailbox(std::size_t end) {
    const bool angled = angle_ == Angle::kBehind;
    std::string_view address = TrimAscii(angled ? inside_ : outside_);
    if (angled || !address.empty()) {
      if (angled && address.starts_with('@')) {  // RFC 5322 §4.4: an old source route
        const std::size_t colon = address.find(':');
        if (colon != std::string_view::npos) address.remove_prefix(colon + 1);
      }
      RETURN_IF_ERROR(CheckAddress(address));
      if (found_.size() == kAddressesMax) {
        return Fail(ErrorCode::kLimit, fmt::format("more than {} addresses", kAddressesMax));
      }
      Mailbox mailbox;
      mailbox.text = TrimAscii(text_.substr(begin_, end - begin_));
      if (angled) mailbox.display_name = Unquote(outside_);
      mailbox.address = address;
      found_.push_back(std::move(mailbox));
    }
    Restart();
    return {};
  }

  std::string_view text_;
  std::vector<Mailbox> found_;
  std::string outside_;
  std::string inside_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  // of the present mailbox
  Angle angle_ = Angle::kNone;
  bool in_group_ = false;
};

}  // namespace

std::string_view Mailbox::domain() const {
  return std::string_view(address).substr(address.rfind('@') + 1);
}

Result<std::vector<Mailbox>> ParseAddressList(std::string_view text) {
  return ListParser(text).Parse();
}

Result<Mailbox> ParseMailbox(std::string_view text) {
  ASSIGN_OR_RETURN(std::vector<Mailbox> found, ParseAddressList(text));
  if (found.size() != 1) return Bad("Illegal address");
  return std::move(found.front());
}

}  // namespace postglass::mail
