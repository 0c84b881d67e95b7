#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "store/embedded/table/column.h"

namespace postglass::store {

// One value of an event, of the type that its column has. The text is borrowed.
struct Leaf {
  union {
    const char* text;
    std::int64_t integer;
    double number;
    bool truth;
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

// Cuts the JSON text of attributes into a skeleton (shape.h) and values, in one pass over the
// positions that simdjson finds brackets, strings and scalars at. It knows tokens but no grammar:
// whether the brackets fit follows from the skeleton alone, so it is checked once a skeleton
// (IsObject()) and not once an event, and keys are not even looked at. This is what makes it fast.
class Flattener {
 public:
  Flattener();
  ~Flattener();

  // False when `text` is beyond the limits, or some token is not what EventReader reads too.
  // skeleton() and leaves() are of the last text that was cut, until the next call. Values borrow
  // from `text`, and from `unescaped` where they are written with escapes.
  bool Cut(std::string_view text, TextArena& unescaped);

  std::string_view skeleton() const { return {skeleton_.get(), skeleton_bytes_}; }

  std::span<const Leaf> leaves() const { return leaves_; }

  // Some value would not be written as it was.
  bool is_verbatim() const { return verbatim_; }

  // Whether simdjson takes the last text as one object within kFlattenDepthMax. The answer holds
  // for every text with this skeleton.
  bool IsObject();

 private:
  struct Parser;  // hides simdjson

  bool FindTokens(std::string_view text);
  bool CutTokens(std::string_view text, TextArena& unescaped);
  bool AddString(std::string_view raw, bool escapes, TextArena& unescaped);
  // The bytes of the token that became a value; 0 when it is none.
  std::size_t AddNumber(std::string_view token);
  std::size_t AddBool(std::string_view token);

  std::unique_ptr<Parser> parser_;
  std::unique_ptr<char[]> skeleton_;
  std::size_t skeleton_bytes_ = 0;
  std::size_t skeleton_capacity_ = 0;
  std::vector<Leaf> leaves_;
  char mark_ = 0;  // of the value added last
  bool verbatim_ = false;
};

}  // namespace postglass::store
