#include "topics/filter_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "topics/filter_condition.h"

namespace postglass::topics {
namespace {

// SNS's own bounds ("Filter policy constraints").
constexpr std::size_t kPolicyBytesMax = 256 * 1024;
constexpr std::size_t kKeysMax = 5;
constexpr std::size_t kCombinationsMax = 150;
constexpr int kDepthMax = 5;

// Follows keys through objects and through the elements of arrays.
void CollectAt(const json::value& value, std::span<const std::string> path, FoundValues& found) {
  if (path.empty()) return CollectScalars(value, found);
  if (value.is_array()) {
    for (const json::value& element : value.get_array()) CollectAt(element, path, found);
  } else if (value.is_object()) {
    const json::value* member = value.get_object().if_contains(path.front());
    if (member != nullptr) CollectAt(*member, path.subspan(1), found);
  }
}

FoundValues FindInBody(const json::object& body, std::span<const std::string> path) {
  FoundValues found;
  const json::value* member = body.if_contains(path.front());
  if (member != nullptr) CollectAt(*member, path.subspan(1), found);
  return found;
}

std::optional<double> NumberIn(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// `array` keeps the elements of a String.Array alive.
FoundValues FindAttribute(const Message& message, const std::string& name, json::value& array) {
  FoundValues found;
  for (const MessageAttribute& attribute : message.attributes) {
    if (attribute.name != name) continue;
    found.exists = true;
    // A type may have a label of the publisher's behind a dot ("Number.float").
    if (attribute.type == "String.Array") {
      Result<json::value> parsed = json::Parse(attribute.value);
      if (parsed && parsed->is_array()) {
        array = std::move(*parsed);
        CollectScalars(array, found);
      }
    } else if (attribute.type == "Number" || attribute.type.starts_with("Number.")) {
      if (const auto number = NumberIn(attribute.value)) found.values.push_back(*number);
    } else if (attribute.type == "String" || attribute.type.starts_with("String.")) {
      found.values.push_back(std::string_view(attribute.value));
    }
    return found;
  }
  return found;
}

}  // namespace

// All keys of an object hold, and of each `$or` one of its objects does.
struct FilterPolicy::Node {
  struct Leaf {
    std::vector<std::string> path;  // one name in the scope of message attributes
    std::vector<Condition> conditions;
  };

  std::vector<Leaf> leaves;
  std::vector<std::vector<Node>> alternatives;

  // How many ways of meeting it there are, SNS's measure of a policy.
  std::size_t combinations = 1;

  Status Add(const json::object& object, std::vector<std::string>& path, FilterScope scope) {
    if (path.size() >= kDepthMax) {
      return WrongPolicy("Filter policy can only have up to 5 levels of nesting");
    }
    for (const auto& [key, value] : object) {
      const std::string name(key.data(), key.size());
      // `$or` with something else in it is an ordinary key.
      if (name == "$or" && IsAlternatives(value)) {
        RETURN_IF_ERROR(AddAlternatives(value.get_array(), path, scope));
      } else if (value.is_object()) {
        if (scope == FilterScope::kMessageAttributes) {
          return Fail(
              ErrorCode::kInvalidArgument,
              "Filter policy scope MessageAttributes does not support nested filter policy");
        }
        path.push_back(name);
        RETURN_IF_ERROR(Add(value.get_object(), path, scope));
        path.pop_back();
      } else if (value.is_array()) {
        if (value.get_array().empty()) return WrongPolicy("Empty arrays are not allowed");
        Leaf leaf{path, {}};
        leaf.path.push_back(name);
        for (const json::value& wanted : value.get_array()) {
          ASSIGN_OR_RETURN(Condition condition, ParseCondition(wanted));
          leaf.conditions.push_back(std::move(condition));
        }
        // Bounded by the policy's bytes; the product by the check behind.
        Multiply(leaf.conditions.size() * leaf.path.size());
        leaves.push_back(std::move(leaf));
      } else {
        return WrongPolicy(fmt::format("\"{}\" must be an object or an array", name));
      }
      if (combinations > kCombinationsMax) return WrongPolicy("Filter policy is too complex");
    }
    return {};
  }

  template <class Find>
  bool Matches(const Find& find) const {
    for (const Leaf& leaf : leaves) {
      if (!find(leaf.path, [&](const FoundValues& found) {
            return std::any_of(leaf.conditions.begin(),
                               leaf.conditions.end(),
                               [&](const Condition& c) { return Holds(c, found); });
          })) {
        return false;
      }
    }
    return std::all_of(alternatives.begin(), alternatives.end(), [&](const auto& nodes) {
      return std::any_of(
          nodes.begin(), nodes.end(), [&](const Node& node) { return node.Matches(find); });
    });
  }

 private:
  void Multiply(std::size_t by) {
    combinations = std::min(combinations * std::max<std::size_t>(by, 1), kCombinationsMax + 1);
  }

  // SNS takes `$or` for its operator when it holds at least two objects.
  static bool IsAlternatives(const json::value& value) {
    return value.is_array() && value.get_array().size() >= 2 &&
           std::all_of(
               value.get_array().begin(), value.get_array().end(), [](const json::value& v) {
                 return v.is_object() && !v.get_object().empty();
               });
  }

  Status AddAlternatives(const json::array& objects,
                         std::vector<std::string>& path,
                         FilterScope scope) {
    std::vector<Node> nodes;
    std::size_t sum = 0;
    for (const json::value& object : objects) {
      Node node;
      RETURN_IF_ERROR(node.Add(object.get_object(), path, scope));
      sum += node.combinations;
      nodes.push_back(std::move(node));
    }
    Multiply(sum);
    alternatives.push_back(std::move(nodes));
    return {};
  }
};

FilterPolicy::FilterPolicy(FilterScope scope, std::unique_ptr<const Node> root)
    : scope_(scope), root_(std::move(root)) {}

FilterPolicy::~FilterPolicy() = default;

Result<std::shared_ptr<const FilterPolicy>> FilterPolicy::Parse(std::string_view text,
                                                                FilterScope scope) {
  if (text.size() > kPolicyBytesMax) return WrongPolicy("Filter policy is larger than 256 KB");
  Result<json::object> object = json::ParseObject(text);
  if (!object) return WrongPolicy(fmt::format("failed to parse JSON. {}", object.error().message));
  if (object->size() > kKeysMax) return WrongPolicy("Filter policy can not have more than 5 keys");
  auto root = std::make_unique<Node>();
  std::vector<std::string> path;
  RETURN_IF_ERROR(root->Add(*object, path, scope));
  return std::shared_ptr<const FilterPolicy>(new FilterPolicy(scope, std::move(root)));
}

const json::object* FilterPolicy::Subject::body() {
  if (!parsed_) {
    parsed_ = true;
    if (Result<json::object> object = json::ParseObject(message_.body)) body_ = std::move(*object);
  }
  return body_ ? &*body_ : nullptr;
}

bool FilterPolicy::Matches(Subject& subject) const {
  if (scope_ == FilterScope::kMessageAttributes) {
    return root_->Matches([&](const std::vector<std::string>& path, const auto& test) {
      json::value array;
      return test(FindAttribute(subject.message(), path.front(), array));
    });
  }
  const json::object* body = subject.body();
  if (body == nullptr) return false;
  return root_->Matches([&](const std::vector<std::string>& path, const auto& test) {
    return test(FindInBody(*body, path));
  });
}

Result<std::shared_ptr<const FilterPolicy>> FilterPolicyOf(const Attributes& attributes) {
  const auto text = attributes.find("FilterPolicy");
  if (text == attributes.end()) return std::shared_ptr<const FilterPolicy>();
  const auto scope = attributes.find("FilterPolicyScope");
  return FilterPolicy::Parse(text->second,
                             scope != attributes.end() && scope->second == "MessageBody"
                                 ? FilterScope::kMessageBody
                                 : FilterScope::kMessageAttributes);
}

}  // namespace postglass::topics
