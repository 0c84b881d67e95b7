#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

// A parsed Handlebars template: what the parser makes and the renderer walks.

namespace postglass::mail::handlebars {

// What stands between braces: a path, or a literal.
struct Argument {
  std::optional<json::value> literal;
  std::string text;  // as written, for messages
  int up = 0;        // how many "../" it begins with
  bool at_root = false;
  std::string data;                   // @index, @key, @first, @last without the @; else empty
  std::vector<std::string> segments;  // empty: this
};

struct Expression {
  Argument head;
  std::vector<Argument> arguments;
  std::vector<std::pair<std::string, Argument>> named;  // key=value
  std::vector<std::string> block_names;                 // as |a b|
};

struct Node {
  enum class Kind { kText, kValue, kIf, kUnless, kEach, kWith, kSection, kPart };
  Kind kind = Kind::kText;
  std::string text;  // kText: as is; kPart: its name
  Expression expression;
  std::vector<Node> body;
  std::vector<Node> otherwise;  // behind {{else}}
};

struct Program {
  std::vector<Node> nodes;
  std::map<std::string, std::vector<Node>, std::less<>> parts;  // inline ones
};

// kInvalidArgument names what is wrong and at which byte.
Result<Program> ParseProgram(std::string_view text);

// The inside of one tag, sigils and braces removed.
Result<Expression> ParseExpression(std::string_view text);

}  // namespace postglass::mail::handlebars
