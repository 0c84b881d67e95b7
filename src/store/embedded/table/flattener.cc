#include "store/embedded/table/flattener.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "store/embedded/table/json_text.h"
#include "store/embedded/table/limits.h"
#include "store/embedded/table/shape.h"

namespace postglass::store {

namespace {

constexpr std::size_t kCapacityMin = 16 << 10;
constexpr std::size_t kTextBytesMax = 64 << 20;  // far above what the intake takes
constexpr std::size_t kArenaChunkBytes = 64 << 10;

enum class Token : std::uint8_t { kOther, kOperator, kSpace, kString, kNumber, kBool, kNull };

constexpr std::array<Token, 256> MakeTokens() {
  std::array<Token, 256> tokens{};
  const auto set = [&](std::string_view chars, Token token) {
    for (const char c : chars) tokens[static_cast<unsigned char>(c)] = token;
  };
  set("{}[]:,", Token::kOperator);
  set(" \t\n\r", Token::kSpace);
  set("\"", Token::kString);
  set("-0123456789", Token::kNumber);
  set("tf", Token::kBool);
  set("n", Token::kNull);
  return tokens;
}

constexpr std::array<Token, 256> kTokens = MakeTokens();

Token TokenOf(char c) { return kTokens[static_cast<unsigned char>(c)]; }

// The run of a number or a word that begins at `begin`.
std::string_view ScalarAt(std::string_view text, std::size_t begin) {
  std::size_t end = begin;
  while (end < text.size()) {
    const Token token = TokenOf(text[end]);
    if (token == Token::kOperator || token == Token::kSpace) break;
    ++end;
  }
  return text.substr(begin, end - begin);
}

// Tells of rising ranges whether there is a backslash in them; looks at each byte once.
class Backslashes {
 public:
  explicit Backslashes(std::string_view text) : text_(text), next_(text.find('\\')) {}

  bool Any(std::size_t begin, std::size_t end) {
    if (next_ < begin) next_ = text_.find('\\', begin);
    return next_ < end;
  }

 private:
  std::string_view text_;
  std::size_t next_;  // npos: none left
};

}  // namespace

std::string_view TextArena::Copy(std::string_view text) {
  if (chunk_bytes_ - used_ < text.size()) {
    chunk_bytes_ = std::max(kArenaChunkBytes, text.size());
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(chunk_bytes_));
    used_ = 0;
  }
  if (text.empty()) return {};
  char* to = chunks_.back().get() + used_;
  std::memcpy(to, text.data(), text.size());
  used_ += text.size();
  return {to, text.size()};
}

void TextArena::Clear() {
  chunks_.clear();
  used_ = chunk_bytes_ = 0;
}

struct Flattener::Parser {
  simdjson::dom::parser dom;
  std::unique_ptr<char[]> padded;
  std::size_t text_bytes = 0;
  std::size_t capacity = 0;
  std::string unescaped;

  bool Reserve(std::size_t bytes) {
    if (bytes <= capacity) return true;
    const std::size_t wanted = std::max(kCapacityMin, bytes + bytes / 2);
    if (dom.allocate(wanted, kFlattenDepthMax) != simdjson::SUCCESS) return false;
    padded = std::make_unique<char[]>(wanted + simdjson::SIMDJSON_PADDING);
    capacity = wanted;
    return true;
  }
};

Flattener::Flattener() : parser_(std::make_unique<Parser>()) {}

Flattener::~Flattener() = default;

// Runs simdjson's first stage alone: the positions of all operators, of strings' opening quotes and
// of other scalars' first bytes. It refuses ill-formed UTF-8, controls in strings, open strings.
bool Flattener::FindTokens(std::string_view text) {
  if (text.empty() || text.size() > kTextBytesMax || !parser_->Reserve(text.size())) return false;
  // simdjson reads, and ignores, some bytes behind the text.
  std::memcpy(parser_->padded.get(), text.data(), text.size());
  std::memset(parser_->padded.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
  parser_->text_bytes = text.size();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(parser_->padded.get());
  return parser_->dom.implementation->stage1(bytes, text.size(), simdjson::stage1_mode::regular) ==
         simdjson::SUCCESS;
}

bool Flattener::Cut(std::string_view text, TextArena& unescaped) {
  leaves_.clear();
  skeleton_bytes_ = 0;
  verbatim_ = false;
  if (!FindTokens(text)) return false;
  if (skeleton_capacity_ < text.size()) {  // a mark is no longer than its value
    skeleton_capacity_ = parser_->capacity;
    skeleton_ = std::make_unique_for_overwrite<char[]>(skeleton_capacity_);
  }
  return CutTokens(text, unescaped);
}

bool Flattener::CutTokens(std::string_view text, TextArena& unescaped) {
  const simdjson::internal::dom_parser_implementation& found = *parser_->dom.implementation;
  const std::uint32_t tokens_count = found.n_structural_indexes;
  if (tokens_count == 0 || text[found.structural_indexes[0]] != '{') return false;
  Backslashes backslashes(text);
  char* out = skeleton_.get();
  std::size_t copied = 0;
  for (std::uint32_t i = 0; i < tokens_count; ++i) {
    const std::size_t begin = found.structural_indexes[i];
    std::size_t value_bytes = 0;
    switch (TokenOf(text[begin])) {
      case Token::kOperator:
        continue;
      case Token::kNull:
        if (ScalarAt(text, begin) != "null") return false;
        continue;
      case Token::kString: {
        const std::size_t next =
            i + 1 < tokens_count ? found.structural_indexes[i + 1] : text.size();
        if (next < text.size() && text[next] == ':') continue;  // a key
        // Between a string and the next token there is nothing but white space.
        std::size_t end = next - 1;
        while (end > begin && text[end] != '"') --end;
        if (end == begin) return false;
        const std::string_view raw = text.substr(begin + 1, end - begin - 1);
        if (!AddString(raw, backslashes.Any(begin, end), unescaped)) return false;
        value_bytes = end + 1 - begin;
        break;
      }
      case Token::kNumber:
        value_bytes = AddNumber(ScalarAt(text, begin));
        break;
      case Token::kBool:
        value_bytes = AddBool(ScalarAt(text, begin));
        break;
      default:
        return false;
    }
    if (value_bytes == 0 || leaves_.size() > kRowValuesMax) return false;
    std::memcpy(out, text.data() + copied, begin - copied);
    out += begin - copied;
    *out++ = mark_;
    copied = begin + value_bytes;
  }
  std::memcpy(out, text.data() + copied, text.size() - copied);
  out += text.size() - copied;
  skeleton_bytes_ = static_cast<std::size_t>(out - skeleton_.get());
  return true;
}

bool Flattener::AddString(std::string_view raw, bool escapes, TextArena& unescaped) {
  mark_ = kMarks[static_cast<std::size_t>(ValueType::kString)];
  if (!escapes) {
    leaves_.push_back(Leaf::Of(raw));
    return true;
  }
  parser_->unescaped.clear();
  switch (AppendUnescaped(parser_->unescaped, raw)) {
    case Escapes::kBad:
      return false;
    case Escapes::kOther:
      verbatim_ = true;
      break;
    case Escapes::kCanonical:
      break;
  }
  leaves_.push_back(Leaf::Of(unescaped.Copy(parser_->unescaped)));
  return true;
}

std::size_t Flattener::AddNumber(std::string_view token) {
  const std::optional<NumberToken> read = ReadNumber(token);
  if (!read) return 0;
  Leaf leaf = Leaf::Of({});
  if (read->type == ValueType::kInteger) {
    leaf.integer = read->integer;
  } else {
    leaf.number = read->number;
  }
  leaves_.push_back(leaf);
  const bool scientific = read->form == NumberToken::Form::kScientific;
  mark_ = scientific ? kScientificMark : kMarks[static_cast<std::size_t>(read->type)];
  verbatim_ = verbatim_ || read->form == NumberToken::Form::kOther;
  return read->bytes;
}

std::size_t Flattener::AddBool(std::string_view token) {
  if (token != "true" && token != "false") return 0;
  Leaf leaf = Leaf::Of({});
  leaf.truth = token == "true";
  leaves_.push_back(leaf);
  mark_ = kMarks[static_cast<std::size_t>(ValueType::kBool)];
  return token.size();
}

bool Flattener::IsObject() {
  simdjson::dom::element root;
  const char* padded = parser_->padded.get();
  const auto error = parser_->dom.parse(padded, parser_->text_bytes, false).get(root);
  return error == simdjson::SUCCESS && root.is_object();
}

}  // namespace postglass::store
