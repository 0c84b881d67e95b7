#include "store/event_reader.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace postglass::store {

namespace {

// simdjson's own bound: every value of a document that it takes can be reached. The intake refuses
// much flatter ones (json::kDepthMax).
constexpr int kDepthMax = 1024;
// Where free text is looked for, beside the message.
constexpr std::array<std::string_view, 3> kTextPaths = {"error.message", "error.stack", "title"};
constexpr std::array<std::string_view, 2> kTraceIdPaths = {"trace_id", "dd.trace_id"};
constexpr std::string_view kIndexName = "main";

// Text and number of a value, with room for the digits.
class Scalar {
 public:
  void SetText(std::string_view text) { view_ = {text, std::nullopt}; }

  void SetBool(bool b) { SetText(b ? "true" : "false"); }

  void SetSigned(std::int64_t n) {
    const auto end = fmt::format_to(digits_.data(), "{}", n);
    SetDigits(end, static_cast<double>(n));
  }

  void SetUnsigned(std::uint64_t n) {
    const auto end = fmt::format_to(digits_.data(), "{}", n);
    SetDigits(end, static_cast<double>(n));
  }

  void SetDouble(double n) {
    constexpr double kIntegersMax = 1e15;  // below it every integer is one double
    if (std::fabs(n) < kIntegersMax && n == std::trunc(n)) {
      SetSigned(static_cast<std::int64_t>(n));
      return;
    }
    SetDigits(fmt::format_to(digits_.data(), "{}", n), n);
  }

  const ValueView& view() const { return view_; }

 private:
  void SetDigits(const char* end, double number) {
    view_ = {std::string_view(digits_.data(), static_cast<std::size_t>(end - digits_.data())),
             number};
  }

  std::array<char, 40> digits_;
  ValueView view_;
};

// The two kinds of parsed document behind one set of names.
struct SimdJson {
  using Value = simdjson::dom::element;

  static bool IsObject(const Value& v) { return v.is_object(); }

  static bool IsArray(const Value& v) { return v.is_array(); }

  template <class F>
  static bool AnyMember(const Value& v, F&& visit) {
    const simdjson::dom::object members = v.get_object().value_unsafe();
    for (const auto member : members) {
      if (visit(member.key, member.value)) return true;
    }
    return false;
  }

  template <class F>
  static bool AnyElement(const Value& v, F&& visit) {
    const simdjson::dom::array elements = v.get_array().value_unsafe();
    for (const auto element : elements) {
      if (visit(element)) return true;
    }
    return false;
  }

  static bool ToScalar(const Value& v, Scalar& out) {  // false for null
    switch (v.type()) {
      case simdjson::dom::element_type::STRING:
        out.SetText(v.get_string().value_unsafe());
        return true;
      case simdjson::dom::element_type::INT64:
        out.SetSigned(v.get_int64().value_unsafe());
        return true;
      case simdjson::dom::element_type::UINT64:
        out.SetUnsigned(v.get_uint64().value_unsafe());
        return true;
      case simdjson::dom::element_type::DOUBLE:
        out.SetDouble(v.get_double().value_unsafe());
        return true;
      case simdjson::dom::element_type::BOOL:
        out.SetBool(v.get_bool().value_unsafe());
        return true;
      default:
        return false;
    }
  }
};

// A root object or a value below it.
struct BoostValue {
  const json::object* object = nullptr;
  const json::value* value = nullptr;
};

struct BoostJson {
  using Value = BoostValue;

  static Value Wrap(const json::value& v) {
    return {v.is_object() ? &v.get_object() : nullptr, &v};
  }

  static bool IsObject(const Value& v) { return v.object != nullptr; }

  static bool IsArray(const Value& v) { return v.value != nullptr && v.value->is_array(); }

  template <class F>
  static bool AnyMember(const Value& v, F&& visit) {
    for (const auto& member : *v.object) {
      const auto key = member.key();
      if (visit(std::string_view(key.data(), key.size()), Wrap(member.value()))) return true;
    }
    return false;
  }

  template <class F>
  static bool AnyElement(const Value& v, F&& visit) {
    for (const json::value& element : v.value->get_array()) {
      if (visit(Wrap(element))) return true;
    }
    return false;
  }

  static bool ToScalar(const Value& v, Scalar& out) {
    switch (v.value->kind()) {
      case boost::json::kind::string: {
        const json::string& text = v.value->get_string();
        out.SetText(std::string_view(text.data(), text.size()));
        return true;
      }
      case boost::json::kind::int64:
        out.SetSigned(v.value->get_int64());
        return true;
      case boost::json::kind::uint64:
        out.SetUnsigned(v.value->get_uint64());
        return true;
      case boost::json::kind::double_:
        out.SetDouble(v.value->get_double());
        return true;
      case boost::json::kind::bool_:
        out.SetBool(v.value->get_bool());
        return true;
      default:
        return false;
    }
  }
};

// The value itself, or each element of an array, through arrays of arrays; not into objects.
template <class Json>
bool AnyLeaf(const typename Json::Value& v, int depth, EventReader::Visit visit) {
  if (depth > kDepthMax || Json::IsObject(v)) return false;
  if (Json::IsArray(v)) {
    return Json::AnyElement(v, [&](const typename Json::Value& element) {
      return AnyLeaf<Json>(element, depth + 1, visit);
    });
  }
  Scalar scalar;
  return Json::ToScalar(v, scalar) && visit(scalar.view());
}

// Any value at or below.
template <class Json>
bool AnyBelow(const typename Json::Value& v, int depth, EventReader::Visit visit) {
  if (depth > kDepthMax) return false;
  if (Json::IsObject(v)) {
    return Json::AnyMember(v, [&](std::string_view, const typename Json::Value& member) {
      return AnyBelow<Json>(member, depth + 1, visit);
    });
  }
  if (Json::IsArray(v)) {
    return Json::AnyElement(v, [&](const typename Json::Value& element) {
      return AnyBelow<Json>(element, depth + 1, visit);
    });
  }
  Scalar scalar;
  return Json::ToScalar(v, scalar) && visit(scalar.view());
}

// Follows `path` from `v`. A key may itself contain dots, so every way to cut the path is tried:
// a member counts when its key is the path or the path's beginning up to a dot.
template <class Json, class F>
bool AnyAtPath(const typename Json::Value& v, std::string_view path, int depth, F& at_end) {
  if (depth > kDepthMax) return false;
  if (Json::IsArray(v)) {
    return Json::AnyElement(v, [&](const typename Json::Value& element) {
      return AnyAtPath<Json>(element, path, depth + 1, at_end);
    });
  }
  if (!Json::IsObject(v)) return false;
  return Json::AnyMember(v, [&](std::string_view key, const typename Json::Value& member) {
    if (!path.starts_with(key)) return false;
    if (path.size() == key.size()) return at_end(member);
    if (path[key.size()] != '.') return false;
    return AnyAtPath<Json>(member, path.substr(key.size() + 1), depth + 1, at_end);
  });
}

template <class Json>
void WalkAll(const typename Json::Value& v,
             std::string& path,
             int depth,
             FunctionRef<void(std::string_view, const ValueView&)> visit) {
  if (depth > kDepthMax) return;
  if (Json::IsObject(v)) {
    const std::size_t parent_bytes = path.size();
    Json::AnyMember(v, [&](std::string_view key, const typename Json::Value& member) {
      if (depth > 0) path += '.';
      path += key;
      WalkAll<Json>(member, path, depth + 1, visit);
      path.resize(parent_bytes);
      return false;
    });
    return;
  }
  if (Json::IsArray(v)) {
    Json::AnyElement(v, [&](const typename Json::Value& element) {
      WalkAll<Json>(element, path, depth + 1, visit);
      return false;
    });
    return;
  }
  Scalar scalar;
  if (Json::ToScalar(v, scalar)) visit(path, scalar.view());
}

bool FitsIn64Bits(std::string_view integer) {
  const auto fits = [integer](auto number) {
    const auto [end, error] =
        std::from_chars(integer.data(), integer.data() + integer.size(), number);
    return error == std::errc();
  };
  return fits(std::int64_t{0}) || fits(std::uint64_t{0});
}

// The text with integers beyond 64 bits written as doubles, which simdjson then takes.
std::string WithWideIntegersAsDoubles(std::string_view text) {
  constexpr std::string_view kNumber = "-+.eE0123456789";
  std::string out;
  out.reserve(text.size() + kJsonPaddingBytes);
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (!in_string && (c == '-' || (c >= '0' && c <= '9'))) {
      const std::size_t end = std::min(text.find_first_not_of(kNumber, i), text.size());
      const std::string_view number = text.substr(i, end - i);
      out += number;
      const bool integer = number.find_first_of(".eE") == number.npos;
      if (integer && !FitsIn64Bits(number)) out += ".0";
      i = end;
      continue;
    }
    if (c == '"') in_string = !in_string;
    const std::size_t bytes = in_string && c == '\\' && i + 1 < text.size() ? 2 : 1;
    out += text.substr(i, bytes);
    i += bytes;
  }
  return out;
}

}  // namespace

struct EventReader::Document {
  enum class State { kUnparsed, kSimd, kBoost, kUnreadable };

  State state = State::kUnparsed;
  simdjson::dom::parser parser;
  simdjson::dom::element simd_root;
  BoostValue boost_root;
  json::object boost_own;  // what simdjson does not take: numbers beyond a double

  void Parse(std::string_view text, bool padded) {
    static_assert(kJsonPaddingBytes >= simdjson::SIMDJSON_PADDING);
    // A view of nothing may have no address, and simdjson copies from it.
    if (text.data() == nullptr) text = std::string_view("");
    if (parser.parse(text.data(), text.size(), !padded).get(simd_root) == simdjson::SUCCESS) {
      state = simd_root.is_object() ? State::kSimd : State::kUnreadable;
      return;
    }
    const std::string narrowed = WithWideIntegersAsDoubles(text);
    if (narrowed.size() != text.size() &&
        parser.parse(narrowed.data(), narrowed.size()).get(simd_root) == simdjson::SUCCESS) {
      state = simd_root.is_object() ? State::kSimd : State::kUnreadable;
      return;
    }
    Result<json::object> parsed = json::ParseObject(text);
    if (!parsed) {
      state = State::kUnreadable;
      return;
    }
    boost_own = std::move(*parsed);
    boost_root = {&boost_own, nullptr};
    state = State::kBoost;
  }
};

EventReader::EventReader() : document_(std::make_unique<Document>()) {}

EventReader::~EventReader() = default;
EventReader::EventReader(EventReader&&) noexcept = default;
EventReader& EventReader::operator=(EventReader&&) noexcept = default;

void EventReader::Reset(const EventView& event) {
  event_ = event;
  document_->state = Document::State::kUnparsed;
}

void EventReader::Reset(const Event& event) {
  tags_.assign(event.tags.begin(), event.tags.end());
  Reset(EventView{event.id,
                  event.timestamp_ms,
                  event.ingested_at_ms,
                  event.message,
                  event.status,
                  event.service,
                  event.source,
                  event.host,
                  tags_,
                  event.attributes,
                  false});
}

void EventReader::Reset(const Reserved& reserved, const json::object& attributes) {
  tags_.assign(reserved.tags.begin(), reserved.tags.end());
  event_ = {};
  event_.timestamp_ms = reserved.timestamp_ms.value_or(0);
  event_.message = reserved.message;
  event_.status = reserved.status;
  event_.service = reserved.service;
  event_.source = reserved.source;
  event_.host = reserved.host;
  event_.tags = tags_;
  document_->boost_root = {&attributes, nullptr};
  document_->state = Document::State::kBoost;
}

template <class F>
auto EventReader::WithRoot(F&& use) {
  using R = decltype(use(SimdJson(), document_->simd_root));
  if (document_->state == Document::State::kUnparsed) {
    document_->Parse(event_.attributes, event_.attributes_padded);
  }
  switch (document_->state) {
    case Document::State::kSimd:
      return use(SimdJson(), document_->simd_root);
    case Document::State::kBoost:
      return use(BoostJson(), document_->boost_root);
    default:
      return R();
  }
}

bool EventReader::AnyAttribute(std::string_view path, Visit visit) {
  return WithRoot([&](auto json, const auto& root) {
    using Json = decltype(json);
    auto at_end = [&](const typename Json::Value& v) { return AnyLeaf<Json>(v, 0, visit); };
    return AnyAtPath<Json>(root, path, 0, at_end);
  });
}

bool EventReader::AnyReserved(std::string_view name, Visit visit) {
  const auto text = [&](std::string_view value) {
    return !value.empty() && visit(ValueView{value, std::nullopt});
  };
  if (name == "message") return text(event_.message);
  if (name == "status") return text(event_.status);
  if (name == "service") return text(event_.service);
  if (name == "source") return text(event_.source);
  if (name == "host") return text(event_.host);
  if (name == "index") return text(kIndexName);
  if (name == "id") return text(event_.id.ToString());
  if (name == "timestamp") {
    Scalar scalar;
    scalar.SetSigned(event_.timestamp_ms);
    return visit(scalar.view());
  }
  if (name == "trace_id") {
    for (const std::string_view path : kTraceIdPaths) {
      if (AnyAttribute(path, visit)) return true;
    }
  }
  return false;
}

bool EventReader::AnyValue(const Field& field, Visit visit) {
  switch (field.kind) {
    case Field::Kind::kText:
    case Field::Kind::kAllText:
      return AnyText(field.kind, [&](std::string_view text) {
        return visit(ValueView{text, std::nullopt});
      });
    case Field::Kind::kReserved:
      return AnyReserved(field.name, visit);
    case Field::Kind::kTag:
      for (const std::string_view tag : event_.tags) {
        if (tag.size() > field.name.size() && tag[field.name.size()] == ':' &&
            tag.starts_with(field.name) &&
            visit(ValueView{tag.substr(field.name.size() + 1), std::nullopt})) {
          return true;
        }
      }
      return false;
    case Field::Kind::kTags:
      for (const std::string_view tag : event_.tags) {
        if (visit(ValueView{tag, std::nullopt})) return true;
      }
      return false;
    case Field::Kind::kAttribute:
      return AnyAttribute(field.name, visit);
  }
  return false;
}

bool EventReader::Exists(const Field& field) {
  const auto any = [](const ValueView&) { return true; };
  if (field.kind == Field::Kind::kTag) {
    for (const std::string_view tag : event_.tags) {
      if (tag == field.name) return true;
    }
    return AnyValue(field, any);
  }
  if (field.kind == Field::Kind::kAttribute) {
    return WithRoot([&](auto json, const auto& root) {
      using Json = decltype(json);
      auto at_end = [&](const typename Json::Value& v) { return AnyBelow<Json>(v, 0, any); };
      return AnyAtPath<Json>(root, field.name, 0, at_end);
    });
  }
  return AnyValue(field, any);
}

bool EventReader::MayHoldText() const {
  if (document_->state != Document::State::kUnparsed) return true;
  const std::string_view text = event_.attributes;
  // A key may be spelled with escapes; then only parsing tells.
  return text.find("error") != text.npos || text.find("title") != text.npos ||
         text.find("\\u") != text.npos;
}

bool EventReader::AnyText(Field::Kind kind, VisitText visit) {
  if (!event_.message.empty() && visit(event_.message)) return true;
  const auto visit_value = [&](const ValueView& value) { return visit(value.text); };
  if (kind == Field::Kind::kAllText) {
    return WithRoot([&](auto json, const auto& root) {
      return AnyBelow<decltype(json)>(root, 0, visit_value);
    });
  }
  if (!MayHoldText()) return false;
  for (const std::string_view path : kTextPaths) {
    if (AnyAttribute(path, visit_value)) return true;
  }
  return false;
}

void EventReader::ForEachAttribute(FunctionRef<void(std::string_view, const ValueView&)> visit) {
  WithRoot([&](auto json, const auto& root) {
    std::string path;
    WalkAll<decltype(json)>(root, path, 0, visit);
    return true;
  });
}

std::string NumberText(double number) {
  Scalar scalar;
  scalar.SetDouble(number);
  return std::string(scalar.view().text);
}

}  // namespace postglass::store
