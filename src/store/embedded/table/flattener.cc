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

// simdjson's first stage alone gives the positions of all operators, of strings' opening quotes and
// of other scalars' first bytes.
std::uint32_t Flattener::FindTokens(std::string_view text) {
  if (text.empty() || text.size() > kTextBytesMax || !parser_->Reserve(text.size())) return 0;
  // simdjson reads, and ignores, some bytes behind the text.
  std::memcpy(parser_->padded.get(), text.data(), text.size());
  std::memset(parser_->padded.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
  parser_->text_bytes = text.size();
  simdjson::internal::dom_parser_implementation& stages = *parser_->dom.implementation;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(parser_->padded.get());
  if (stages.stage1(bytes, text.size(), simdjson::stage1_mode::regular) != simdjson::SUCCESS) {
    return 0;
  }
  text_ = text;
  tokens_ = stages.structural_indexes.get();
  tokens_count_ = stages.n_structural_indexes;
  // simdjson ends the list so by itself; what is read here must not depend on it.
  stages.structural_indexes[tokens_count_] = static_cast<std::uint32_t>(text.size());
  return tokens_count_;
}

void Flattener::BeginCut() {
  leaves_.clear();
  verbatim_ = false;
  next_backslash_ = text_.find('\\');
}

bool Flattener::CutLike(const MarkedSkeleton& skeleton, TextArena& unescaped) {
  BeginCut();
  const char* expected = skeleton.text.data();
  std::size_t compared = 0;
  const auto same_until = [&](const char* expected_end, std::size_t end) {
    const std::size_t bytes = static_cast<std::size_t>(expected_end - expected);
    return end - compared == bytes && std::memcmp(text_.data() + compared, expected, bytes) == 0;
  };
  for (const MarkedSkeleton::Mark& mark : skeleton.marks) {
    const std::size_t begin = tokens_[mark.token];
    const char* expected_end = skeleton.text.data() + mark.at;
    if (begin < compared || !same_until(expected_end, begin)) return false;
    const std::size_t value_bytes = AddValue(mark.token, unescaped);
    if (value_bytes == 0 || mark_ != *expected_end) return false;
    compared = begin + value_bytes;
    expected = expected_end + 1;
  }
  return same_until(skeleton.text.data() + skeleton.text.size(), text_.size());
}

bool Flattener::Cut(TextArena& unescaped) {
  BeginCut();
  marks_.clear();
  skeleton_bytes_ = 0;
  if (text_[tokens_[0]] != '{') return false;
  if (skeleton_capacity_ < text_.size()) {  // a mark is no longer than its value
    skeleton_capacity_ = parser_->capacity;
    skeleton_ = std::make_unique_for_overwrite<char[]>(skeleton_capacity_);
  }
  char* out = skeleton_.get();
  std::size_t copied = 0;
  for (std::uint32_t token = 0; token < tokens_count_; ++token) {
    const std::size_t begin = tokens_[token];
    switch (TokenOf(text_[begin])) {
      case Token::kOperator:
        continue;
      case Token::kNull:
        if (ScalarAt(text_, begin) != "null") return false;
        continue;
      case Token::kString:
        if (tokens_[token + 1] < text_.size() && text_[tokens_[token + 1]] == ':')
          continue;  // a key
        break;
      default:
        break;
    }
    const std::size_t value_bytes = AddValue(token, unescaped);
    if (value_bytes == 0 || leaves_.size() > kRowValuesMax) return false;
    std::memcpy(out, text_.data() + copied, begin - copied);
    out += begin - copied;
    marks_.push_back({static_cast<std::uint32_t>(out - skeleton_.get()), token});
    *out++ = mark_;
    copied = begin + value_bytes;
  }
  std::memcpy(out, text_.data() + copied, text_.size() - copied);
  out += text_.size() - copied;
  skeleton_bytes_ = static_cast<std::size_t>(out - skeleton_.get());
  return true;
}

std::size_t Flattener::AddValue(std::uint32_t token, TextArena& unescaped) {
  const std::size_t begin = tokens_[token];
  switch (TokenOf(text_[begin])) {
    case Token::kString:
      return AddString(begin, tokens_[token + 1], unescaped);
    case Token::kNumber:
      return AddNumber(ScalarAt(text_, begin));
    case Token::kBool:
      return AddBool(ScalarAt(text_, begin));
    default:
      return 0;
  }
}

// Looks at each byte once, as ranges rise.
bool Flattener::HasBackslash(std::size_t begin, std::size_t end) {
  if (next_backslash_ < begin) next_backslash_ = text_.find('\\', begin);
  return next_backslash_ < end;
}

std::size_t Flattener::AddString(std::size_t begin, std::size_t next_token, TextArena& unescaped) {
  // Between a string and the next token there is nothing but white space.
  std::size_t end = next_token - 1;
  while (end > begin && text_[end] != '"') --end;
  if (end == begin) return 0;
  const std::string_view raw = text_.substr(begin + 1, end - begin - 1);
  mark_ = kMarks[static_cast<std::size_t>(ValueType::kString)];
  if (!HasBackslash(begin, end)) {
    leaves_.push_back(Leaf::Of(raw));
    return end + 1 - begin;
  }
  parser_->unescaped.clear();
  const Escapes escapes = AppendUnescaped(parser_->unescaped, raw);
  if (escapes == Escapes::kBad) return 0;
  if (escapes == Escapes::kOther) verbatim_ = true;
  leaves_.push_back(Leaf::Of(unescaped.Copy(parser_->unescaped)));
  return end + 1 - begin;
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
  leaf.integer = token == "true" ? 1 : 0;
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
