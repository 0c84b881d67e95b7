#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/table/column.h"

namespace postglass::store {

// One value of an event, of the type that its column has. The text is borrowed.
struct Leaf {
  union {
    const char* text;
    std::int64_t integer;  // of bools 0 or 1
    double number;
  };

  std::uint32_t text_bytes;

  static Leaf Of(std::string_view text) {
    Leaf leaf;
    leaf.text = text.data();
    leaf.text_bytes = static_cast<std::uint32_t>(text.size());
    return leaf;
  }

  std::string_view view() const { return {text, text_bytes}; }
};

// Memory for texts, given back all at once.
class TextArena {
 public:
  std::string_view Copy(std::string_view text);
  void Clear();

 private:
  std::vector<std::unique_ptr<char[]>> chunks_;
  std::size_t used_ = 0;  // of the last chunk
  std::size_t chunk_bytes_ = 0;
};

// A skeleton and where among a text's tokens its marks are.
struct MarkedSkeleton {
  struct Mark {
    std::uint32_t at = 0;     // in the text
    std::uint32_t token = 0;  // of all tokens
  };

  std::string text;
  std::uint32_t tokens_count = 0;
  std::vector<Mark> marks;
};

// Cuts the JSON text of attributes into a skeleton (shape.h) and values, by the positions that
// simdjson finds brackets, strings and scalars at. It knows tokens but no grammar: whether the
// brackets fit follows from the skeleton alone, so it is checked once a skeleton (IsObject()) and
// not once an event. This is what makes it fast.
//
// A text goes through FindTokens(), then CutLike() or Cut(). Results are of the last text.
class Flattener {
 public:
  Flattener();
  ~Flattener();

  // The number of tokens; 0 when there is none or simdjson refuses the text (UTF-8, controls in
  // strings, open strings). `text` must live until it is cut.
  std::uint32_t FindTokens(std::string_view text);

  // These two: values borrow from the text, and from `unescaped` where they are written with
  // escapes.
  //
  // Whether the text has this skeleton, and all values are what EventReader reads. Copies nothing
  // and does not look into keys. Requires: as many tokens.
  bool CutLike(const MarkedSkeleton& skeleton, TextArena& unescaped);
  // False when the text is beyond the limits, or some token is not what EventReader reads too.
  // Gives skeleton() and marks().
  bool Cut(TextArena& unescaped);

  std::string_view skeleton() const { return {skeleton_.get(), skeleton_bytes_}; }

  std::span<const MarkedSkeleton::Mark> marks() const { return marks_; }

  std::span<const Leaf> leaves() const { return leaves_; }

  // Some value would not be written as it was.
  bool is_verbatim() const { return verbatim_; }

  // Whether simdjson takes the last text as one object within kFlattenDepthMax. The answer holds
  // for every text with this skeleton.
  bool IsObject();

 private:
  struct Parser;  // hides simdjson

  // These return the bytes of the token that became a value, 0 when it is none.
  std::size_t AddValue(std::uint32_t token, TextArena& unescaped);
  std::size_t AddString(std::size_t begin, std::size_t next_token, TextArena& unescaped);
  std::size_t AddNumber(std::string_view token);
  std::size_t AddBool(std::string_view token);
  bool HasBackslash(std::size_t begin, std::size_t end);
  void BeginCut();

  std::unique_ptr<Parser> parser_;
  std::string_view text_;
  const std::uint32_t* tokens_ = nullptr;  // their positions, then the text's end
  std::uint32_t tokens_count_ = 0;
  std::size_t next_backslash_ = 0;  // npos: none left
  std::unique_ptr<char[]> skeleton_;
  std::size_t skeleton_bytes_ = 0;
  std::size_t skeleton_capacity_ = 0;
  std::vector<MarkedSkeleton::Mark> marks_;
  std::vector<Leaf> leaves_;
  char mark_ = 0;  // of the value added last
  bool verbatim_ = false;
};

}  // namespace postglass::store
