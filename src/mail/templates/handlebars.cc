#include "mail/templates/handlebars.h"

#include <fmt/format.h>

#include <deque>
#include <optional>
#include <utility>

#include "mail/templates/handlebars_program.h"

namespace postglass::mail {
namespace handlebars {
namespace {

constexpr std::size_t kRenderDepthMax = 64;  // blocks and parts, recursion of parts included

bool IsTrue(const json::value* value) {
  if (value == nullptr || value->is_null()) return false;
  if (value->is_bool()) return value->as_bool();
  if (value->is_string()) return !value->as_string().empty();
  if (value->is_array()) return !value->as_array().empty();
  if (value->is_int64()) return value->as_int64() != 0;
  if (value->is_uint64()) return value->as_uint64() != 0;
  if (value->is_double()) return value->as_double() != 0;
  return true;
}

// One level of what paths are looked up in.
struct Frame {
  using Named = std::vector<std::pair<std::string, json::value>>;

  struct Round {  // of a loop: what @index and the others are
    json::value index;
    json::value key;
    json::value first;
    json::value last;
  };

  const json::value* value = nullptr;
  std::optional<Round> round;
  const std::vector<std::string>* names = nullptr;  // block parameters
  const Named* named = nullptr;                     // of a part
};

class Renderer {
 public:
  Renderer(const Program& program, const json::value& root, const RenderLimits& limits)
      : program_(program), root_(root), limits_(limits) {
    frames_.push_back({&root_, {}, nullptr, nullptr});
  }

  Result<std::string> Run() {
    RETURN_IF_ERROR(RenderNodes(program_.nodes, 0));
    return std::move(out_);
  }

 private:
  Status Step() {
    if (++steps_ <= limits_.steps_max) return {};
    return Fail(ErrorCode::kLimit, "Rendering the template takes too many steps.");
  }

  Status Put(std::string_view text) {
    if (text.size() > limits_.bytes_max - out_.size()) {
      return Fail(ErrorCode::kLimit, "The rendered template is too long.");
    }
    out_ += text;
    return {};
  }

  Status RenderNodes(const std::vector<Node>& nodes, std::size_t depth) {
    if (depth > kRenderDepthMax) {
      return Fail(ErrorCode::kLimit, "Parts of the template are nested too deep.");
    }
    for (const Node& node : nodes) {
      RETURN_IF_ERROR(Step());
      RETURN_IF_ERROR(RenderNode(node, depth));
    }
    return {};
  }

  Status RenderNode(const Node& node, std::size_t depth) {
    switch (node.kind) {
      case Node::Kind::kText:
        return Put(node.text);
      case Node::Kind::kValue:
        return RenderValue(node.expression);
      case Node::Kind::kIf:
      case Node::Kind::kUnless: {
        const bool wanted = node.kind == Node::Kind::kIf;
        const bool chosen = IsTrue(Find(node.expression.head)) == wanted;
        return RenderNodes(chosen ? node.body : node.otherwise, depth + 1);
      }
      case Node::Kind::kEach:
        return RenderEach(node, Find(node.expression.head), depth);
      case Node::Kind::kWith:
        return RenderWith(node, Find(node.expression.head), depth);
      case Node::Kind::kSection: {
        const json::value* value = Find(node.expression.head);
        if (value != nullptr && value->is_array()) return RenderEach(node, value, depth);
        if (value != nullptr && value->is_object()) return RenderWith(node, value, depth);
        return RenderNodes(IsTrue(value) ? node.body : node.otherwise, depth + 1);
      }
      case Node::Kind::kPart:
        return RenderPart(node, depth);
    }
    return {};
  }

  Status RenderWith(const Node& node, const json::value* value, std::size_t depth) {
    if (!IsTrue(value)) return RenderNodes(node.otherwise, depth + 1);
    frames_.push_back({value, {}, &node.expression.block_names, nullptr});
    Status rendered = RenderNodes(node.body, depth + 1);
    frames_.pop_back();
    return rendered;
  }

  Status RenderEach(const Node& node, const json::value* value, std::size_t depth) {
    const bool is_list = value != nullptr && value->is_array();
    const bool is_map = value != nullptr && value->is_object();
    const std::size_t count = is_list  ? value->as_array().size()
                              : is_map ? value->as_object().size()
                                       : 0;
    if (count == 0) return RenderNodes(node.otherwise, depth + 1);
    for (std::size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(Step());
      Frame frame{nullptr, Frame::Round{}, &node.expression.block_names, nullptr};
      frame.round->index = static_cast<std::int64_t>(i);
      frame.round->first = i == 0;
      frame.round->last = i + 1 == count;
      if (is_list) {
        frame.value = &value->as_array()[i];
        frame.round->key = frame.round->index;
      } else {
        const auto& member = *(value->as_object().begin() + static_cast<std::ptrdiff_t>(i));
        frame.value = &member.value();
        frame.round->key = member.key();
      }
      frames_.push_back(std::move(frame));
      Status rendered = RenderNodes(node.body, depth + 1);
      frames_.pop_back();
      if (!rendered) return rendered;
    }
    return {};
  }

  Status RenderPart(const Node& node, std::size_t depth) {
    const auto part = program_.parts.find(node.text);
    if (part == program_.parts.end()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("The partial '{}' does not exist.", node.text));
    }
    const Expression& expression = node.expression;
    const json::value* context = frames_.back().value;
    if (!expression.arguments.empty()) {
      context = Find(expression.arguments[0]);
      if (context == nullptr) return Missing(expression.arguments[0]);
    }
    Frame::Named named;
    for (const auto& [name, argument] : expression.named) {
      const json::value* value = Find(argument);
      if (value == nullptr) return Missing(argument);
      named.emplace_back(name, *value);
    }
    frames_.push_back({context, {}, nullptr, &named});
    Status rendered = RenderNodes(part->second, depth + 1);
    frames_.pop_back();
    return rendered;
  }

  static tl::unexpected<Error> Missing(const Argument& argument) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("Attribute '{}' is not present in the rendering data.", argument.text));
  }

  Status RenderValue(const Expression& expression) {
    const Argument* shown = &expression.head;
    const json::value* value = nullptr;
    if (expression.arguments.empty() && expression.named.empty()) {
      value = Find(expression.head);
    } else if (expression.head.text == "lookup" && expression.arguments.size() == 2) {
      shown = &expression.arguments[0];
      value = LookUp(Find(expression.arguments[0]), Find(expression.arguments[1]));
    } else {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("could not find helper: '{}'", expression.head.text));
    }
    if (value == nullptr) return Missing(*shown);
    if (value->is_string()) return Put(std::string_view(value->as_string()));
    if (value->is_null()) return {};
    if (value->is_double()) return Put(fmt::format("{}", value->as_double()));
    return Put(json::Serialize(*value));
  }

  static const json::value* LookUp(const json::value* in, const json::value* key) {
    if (in == nullptr || key == nullptr) return nullptr;
    if (in->is_object() && key->is_string()) {
      return in->as_object().if_contains(std::string_view(key->as_string()));
    }
    if (in->is_array() && key->is_int64() && key->as_int64() >= 0) {
      return in->as_array().if_contains(static_cast<std::size_t>(key->as_int64()));
    }
    return nullptr;
  }

  // Null when there is nothing.
  const json::value* Find(const Argument& argument) const {
    if (argument.literal) return &*argument.literal;
    if (!argument.data.empty()) return FindData(argument);
    if (argument.at_root) return Descend(&root_, argument.segments, 0);
    if (static_cast<std::size_t>(argument.up) >= frames_.size()) return nullptr;
    const std::size_t innermost = frames_.size() - 1 - static_cast<std::size_t>(argument.up);
    if (argument.segments.empty()) return frames_[innermost].value;
    // A name that is not in the innermost value may be in one around it.
    for (std::size_t i = innermost + 1; i-- > 0;) {
      const json::value* first = FindName(frames_[i], argument.segments.front());
      if (first != nullptr) return Descend(first, argument.segments, 1);
    }
    return nullptr;
  }

  static const json::value* FindName(const Frame& frame, const std::string& name) {
    if (frame.names != nullptr) {
      for (std::size_t i = 0; i < frame.names->size(); ++i) {
        if ((*frame.names)[i] != name) continue;
        return i == 0 ? frame.value : frame.round ? &frame.round->key : nullptr;
      }
    }
    if (frame.named != nullptr) {
      for (const auto& entry : *frame.named) {
        if (entry.first == name) return &entry.second;
      }
    }
    return frame.value->is_object() ? frame.value->as_object().if_contains(name) : nullptr;
  }

  static const json::value* Descend(const json::value* value,
                                    const std::vector<std::string>& segments,
                                    std::size_t from) {
    for (std::size_t i = from; i < segments.size() && value != nullptr; ++i) {
      if (value->is_object()) {
        value = value->as_object().if_contains(segments[i]);
      } else if (value->is_array()) {
        std::size_t index = 0;
        for (const char c : segments[i]) {
          if (c < '0' || c > '9' || index > value->as_array().size()) return nullptr;
          index = index * 10 + static_cast<std::size_t>(c - '0');
        }
        value = value->as_array().if_contains(index);
      } else {
        value = nullptr;
      }
    }
    return value;
  }

  const json::value* FindData(const Argument& argument) const {
    int up = argument.up;
    for (std::size_t i = frames_.size(); i-- > 0;) {
      const Frame& frame = frames_[i];
      if (!frame.round || up-- > 0) continue;
      if (argument.data == "key") return &frame.round->key;
      if (argument.data == "first") return &frame.round->first;
      if (argument.data == "last") return &frame.round->last;
      return &frame.round->index;
    }
    return nullptr;
  }

  const Program& program_;
  const json::value& root_;
  const RenderLimits& limits_;
  std::deque<Frame> frames_;  // references stay good while more come on top
  std::size_t steps_ = 0;
  std::string out_;
};

}  // namespace
}  // namespace handlebars

Result<HandlebarsTemplate> HandlebarsTemplate::Parse(std::string_view text) {
  ASSIGN_OR_RETURN(handlebars::Program program, handlebars::ParseProgram(text));
  return HandlebarsTemplate(std::make_shared<const handlebars::Program>(std::move(program)));
}

Result<std::string> HandlebarsTemplate::Render(const json::object& data,
                                               const RenderLimits& limits) const {
  const json::value root(data);
  return handlebars::Renderer(*program_, root, limits).Run();
}

}  // namespace postglass::mail
