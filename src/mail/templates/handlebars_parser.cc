#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/encoding.h"
#include "mail/templates/handlebars.h"
#include "mail/templates/handlebars_program.h"

namespace postglass::mail::handlebars {
namespace {

constexpr std::size_t kNodesMax = 100'000;  // of one template
constexpr std::string_view kBlank = " \t\r\n";

// Others put their own text there once the message is built.
constexpr std::string_view kLeft[] = {"ses:openTracker", "amazonSESUnsubscribeUrl"};

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

struct Token {
  enum class Kind { kEnd, kText, kValue, kOpen, kInverse, kInline, kClose, kElse, kPart, kComment };
  Kind kind = Kind::kEnd;
  std::string_view text;  // of kText and of left tags as it is; else the inside without sigil
  std::size_t at = 0;     // byte of the template
  bool trim_before = false;
  bool trim_after = false;
};

// `inside` is "if x", say: the first word.
std::string_view FirstWord(std::string_view inside) {
  return inside.substr(0, inside.find_first_of(kBlank));
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<Token> Next() {
    if (at_ >= text_.size()) return Token{Token::Kind::kEnd, {}, at_};
    std::size_t open = text_.find("{{", at_);
    if (open == at_) return Tag();
    if (open == std::string_view::npos) return Text(text_.size());
    if (text_[open - 1] != '\\') return Text(open);
    // "\\{{" is a backslash and then a tag; "\{{" is text up to its "}}".
    if (open - at_ >= 2 && text_[open - 2] == '\\') {
      Token token{Token::Kind::kText, text_.substr(at_, open - 1 - at_), at_};
      at_ = open;
      return token;
    }
    if (open - 1 > at_) return Text(open - 1);
    const std::size_t end = std::min(text_.find("}}", open), text_.size() - 2) + 2;
    Token token{Token::Kind::kText, text_.substr(open, end - open), at_};
    at_ = end;
    return token;
  }

  tl::unexpected<Error> Bad(std::size_t at, std::string_view what) const {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("{} at byte {}", what, at));
  }

 private:
  Token Text(std::size_t end) {
    Token token{Token::Kind::kText, text_.substr(at_, end - at_), at_};
    at_ = end;
    return token;
  }

  Result<Token> Tag() {
    Token token;
    token.at = at_;
    std::size_t begin = at_ + 2;
    const bool triple = text_.substr(begin).starts_with('{');
    if (triple) {
      ++begin;
      if (text_.substr(begin).starts_with('{')) return Bad(at_, "raw blocks are not known");
    }
    if (text_.substr(begin).starts_with('~')) {
      token.trim_before = true;
      ++begin;
    }
    const bool comment = text_.substr(begin).starts_with("!--");
    const std::string_view close = triple ? "}}}" : "}}";
    std::size_t end = comment ? text_.find("--", begin + 3) : begin;
    while (comment && end != std::string_view::npos) {
      const std::string_view rest = text_.substr(end + 2);
      if (rest.starts_with("}}") || rest.starts_with("~}}")) break;
      end = text_.find("--", end + 1);
    }
    end = end == std::string_view::npos ? end : text_.find(close, end);
    if (end == std::string_view::npos) return Bad(at_, "}} is missing");
    const std::size_t next = end + close.size();
    if (end > begin && text_[end - 1] == '~') {
      token.trim_after = true;
      --end;
    }
    const std::string_view whole = text_.substr(at_, next - at_);
    std::string_view inside = Trim(text_.substr(begin, end - begin));
    at_ = next;
    if (std::find(std::begin(kLeft), std::end(kLeft), inside) != std::end(kLeft)) {
      token.kind = Token::Kind::kText;
      token.text = whole;
      return token;
    }
    token.kind = triple ? Token::Kind::kValue : KindOf(inside);
    token.text = Trim(inside);
    return token;
  }

  // Removes the sigil.
  static Token::Kind KindOf(std::string_view& inside) {
    using Kind = Token::Kind;
    if (inside.empty()) return Kind::kValue;
    const auto cut = [&](std::size_t count, Kind kind) {
      inside.remove_prefix(count);
      return kind;
    };
    switch (inside.front()) {
      case '!':
        return Kind::kComment;
      case '&':
        return cut(1, Kind::kValue);
      case '/':
        return cut(1, Kind::kClose);
      case '>':
        return cut(1, Kind::kPart);
      case '^':
        return inside.size() == 1 ? cut(1, Kind::kElse) : cut(1, Kind::kInverse);
      case '#': {
        const std::string_view rest = Trim(inside.substr(1));
        return rest.starts_with('*') ? cut(inside.find('*') + 1, Kind::kInline)
                                     : cut(1, Kind::kOpen);
      }
      default:
        break;
    }
    return FirstWord(inside) == "else" ? cut(4, Kind::kElse) : Kind::kValue;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Program> Run() {
    RETURN_IF_ERROR(Advance());
    RETURN_IF_ERROR(ParseNodes(program_.nodes, 0));
    if (token_.kind != Token::Kind::kEnd) {
      return lexer_.Bad(token_.at, fmt::format("{{{{/{}}}}} closes nothing", Shown(token_.text)));
    }
    for (const auto& [name, at] : used_parts_) {
      if (!program_.parts.contains(name)) {
        return lexer_.Bad(at, fmt::format("the partial '{}' does not exist", Shown(name)));
      }
    }
    return std::move(program_);
  }

 private:
  using Kind = Token::Kind;

  static std::string Shown(std::string_view text) { return ToValidUtf8(text.substr(0, 100)); }

  Status Advance() {
    trim_next_ = token_.trim_after;
    ASSIGN_OR_RETURN(token_, lexer_.Next());
    return {};
  }

  // Up to the token that does not belong: kEnd, kClose, kElse.
  Status ParseNodes(std::vector<Node>& out, int depth) {
    if (depth > RenderLimits::kDepthMax) return lexer_.Bad(token_.at, "blocks are nested too deep");
    while (token_.kind != Kind::kEnd && token_.kind != Kind::kClose && token_.kind != Kind::kElse) {
      if (++nodes_ > kNodesMax) return lexer_.Bad(token_.at, "a template is too long");
      switch (token_.kind) {
        case Kind::kText:
          AddText(out, token_.text);
          RETURN_IF_ERROR(Advance());
          break;
        case Kind::kOpen:
        case Kind::kInverse:
          TrimBefore(out);
          RETURN_IF_ERROR(ParseBlock(out, depth));
          break;
        case Kind::kInline:
          TrimBefore(out);
          RETURN_IF_ERROR(ParseInline(depth));
          break;
        default:
          TrimBefore(out);
          RETURN_IF_ERROR(ParseSimple(out));
          RETURN_IF_ERROR(Advance());
          break;
      }
    }
    TrimBefore(out);
    return {};
  }

  void AddText(std::vector<Node>& out, std::string_view text) {
    if (trim_next_) {
      text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    }
    if (text.empty()) return;
    if (!out.empty() && out.back().kind == Node::Kind::kText) {
      out.back().text += text;
      return;
    }
    Node node;
    node.text = text;
    out.push_back(std::move(node));
  }

  void TrimBefore(std::vector<Node>& out) const {
    if (!token_.trim_before || out.empty() || out.back().kind != Node::Kind::kText) return;
    std::string& text = out.back().text;
    text.erase(text.find_last_not_of(kBlank) + 1);
  }

  Result<Expression> ReadExpression(std::string_view text) {
    Result<Expression> expression = ParseExpression(text);
    if (expression) return expression;
    return lexer_.Bad(token_.at, expression.error().message);
  }

  Status ParseSimple(std::vector<Node>& out) {
    if (token_.kind == Kind::kComment) return {};
    Node node;
    node.kind = token_.kind == Kind::kPart ? Node::Kind::kPart : Node::Kind::kValue;
    ASSIGN_OR_RETURN(node.expression, ReadExpression(token_.text));
    if (node.kind == Node::Kind::kPart) {
      const Argument& head = node.expression.head;
      node.text = head.literal && head.literal->is_string()
                      ? std::string(std::string_view(head.literal->as_string()))
                      : head.text;
      used_parts_.emplace(node.text, token_.at);
    }
    out.push_back(std::move(node));
    return {};
  }

  // {{#*inline "name"}} … {{/inline}}
  Status ParseInline(int depth) {
    const std::size_t at = token_.at;
    ASSIGN_OR_RETURN(Expression expression, ReadExpression(token_.text));
    if (expression.head.text != "inline" || expression.arguments.size() != 1 ||
        !expression.arguments[0].literal || !expression.arguments[0].literal->is_string()) {
      return lexer_.Bad(at, "an inline partial has no name");
    }
    std::vector<Node> body;
    RETURN_IF_ERROR(Advance());
    RETURN_IF_ERROR(ParseNodes(body, depth + 1));
    RETURN_IF_ERROR(Close("inline", at));
    const std::string name(std::string_view(expression.arguments[0].literal->as_string()));
    program_.parts.insert_or_assign(name, std::move(body));
    return {};
  }

  Status Close(std::string_view name, std::size_t opened_at) {
    if (token_.kind != Kind::kClose || token_.text != name) {
      return lexer_.Bad(opened_at, fmt::format("{{{{#{}}}}} is not closed", Shown(name)));
    }
    return Advance();
  }

  // What "#if x" or "else if x" says.
  Result<Node> OpenNode(std::string_view inside) {
    Node node;
    const std::string_view word = FirstWord(inside);
    node.kind = word == "if"       ? Node::Kind::kIf
                : word == "unless" ? Node::Kind::kUnless
                : word == "each"   ? Node::Kind::kEach
                : word == "with"   ? Node::Kind::kWith
                                   : Node::Kind::kSection;
    const bool helper = node.kind != Node::Kind::kSection;
    const std::string_view rest = helper ? Trim(inside.substr(word.size())) : inside;
    ASSIGN_OR_RETURN(node.expression, ReadExpression(rest));
    if (!node.expression.arguments.empty()) {
      return lexer_.Bad(token_.at,
                        helper ? fmt::format("{{{{#{}}}}} takes one value", word)
                               : fmt::format("the helper '{}' is not known", Shown(word)));
    }
    return node;
  }

  Status ParseBlock(std::vector<Node>& out, int depth) {
    const std::size_t at = token_.at;
    const bool inverse = token_.kind == Kind::kInverse;
    const std::string_view name = FirstWord(token_.text);
    ASSIGN_OR_RETURN(Node node, OpenNode(token_.text));
    RETURN_IF_ERROR(Advance());
    RETURN_IF_ERROR(ParseNodes(node.body, depth + 1));
    RETURN_IF_ERROR(ParseElse(node, depth + 1));
    RETURN_IF_ERROR(Close(name, at));
    if (inverse) std::swap(node.body, node.otherwise);
    out.push_back(std::move(node));
    return {};
  }

  // {{else}} and {{else if x}} of `node`, each of which is an {{#if}} within the one before.
  Status ParseElse(Node& node, int depth) {
    if (token_.kind != Kind::kElse) return {};
    const std::string_view inside = token_.text;
    if (inside.empty()) {
      RETURN_IF_ERROR(Advance());
      return ParseNodes(node.otherwise, depth);
    }
    if (depth > RenderLimits::kDepthMax) return lexer_.Bad(token_.at, "blocks are nested too deep");
    ASSIGN_OR_RETURN(Node chained, OpenNode(inside));
    RETURN_IF_ERROR(Advance());
    RETURN_IF_ERROR(ParseNodes(chained.body, depth + 1));
    RETURN_IF_ERROR(ParseElse(chained, depth + 1));
    node.otherwise.push_back(std::move(chained));
    return {};
  }

  Lexer lexer_;
  Token token_;
  bool trim_next_ = false;  // the tag before eats the white space that follows
  std::size_t nodes_ = 0;
  std::set<std::pair<std::string, std::size_t>> used_parts_;
  Program program_;
};

}  // namespace

Result<Program> ParseProgram(std::string_view text) { return Parser(text).Run(); }

}  // namespace postglass::mail::handlebars
