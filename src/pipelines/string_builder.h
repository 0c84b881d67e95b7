#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Builds a text from a template with %{path} blocks into an attribute. Arrays of values are joined
// by ','; `array.member` lists that member of each element; an object cannot be used. A missing
// value leaves the target alone, or is empty with replace_missing. At most kResultBytesMax bytes,
// cut at a character.
class StringBuilder {
 public:
  static constexpr std::size_t kResultBytesMax = 256;

  struct Options {
    std::string text;    // the template
    std::string target;  // attribute path
    bool replace_missing = false;
  };

  explicit StringBuilder(Options options);

  Status Process(Log& log, Context& context) const;

 private:
  struct Piece {
    bool is_path = false;
    std::string text;
  };

  std::vector<Piece> pieces_;
  Options options_;
};

// The longest prefix of at most `bytes_max` bytes that ends between characters. Requires: UTF-8.
std::string_view CutUtf8(std::string_view text, std::size_t bytes_max);

}  // namespace postglass::pipelines
