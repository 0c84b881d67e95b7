#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/embedded/table/column.h"

// How scalars are written in JSON: read strictly, so that everything accepted here is accepted by
// simdjson with the same value, and written in one way.

namespace postglass::store {

// `text` with quotes and the escapes that Boost.JSON writes: \" \\ \b \f \n \r \t, and \u00xx for
// the other controls.
void AppendJsonString(std::string& out, std::string_view text);
// `number` as Boost.JSON writes doubles: "7E0", "1.25E-7".
void AppendScientific(std::string& out, double number);

enum class Escapes {
  kCanonical,  // AppendJsonString() gives the same bytes
  kOther,
  kBad,  // not JSON, or a surrogate without its other half
};

// Appends what a string stands for; `raw` is the text between the quotes, without raw controls.
Escapes AppendUnescaped(std::string& out, std::string_view raw);

struct NumberToken {
  // How the same bytes come back.
  enum class Form {
    kText,        // NumberText() of the value
    kScientific,  // AppendScientific()
    kFraction,    // the integer, then the rest of the token (".0")
    kOther,       // not from the value
  };

  ValueType type = ValueType::kInteger;  // or kDouble
  Form form = Form::kText;
  std::int64_t integer = 0;
  double number = 0;
  std::size_t bytes = 0;  // of the token that the value stands for; all of it but for kFraction
};

// Reads a whole token. Nothing when it is no JSON number, or one beyond 64 bits or a double.
std::optional<NumberToken> ReadNumber(std::string_view token);

}  // namespace postglass::store
