#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass::query {

// The members of one JSON object, commas between them.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

  std::string& Key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    json::AppendQuoted(out_, name);
    return out_ += ':';
  }

  void Text(std::string_view name, std::string_view value) { json::AppendQuoted(Key(name), value); }

  void TextIfAny(std::string_view name, std::string_view value) {
    if (!value.empty()) Text(name, value);
  }

  void Raw(std::string_view name, std::string_view value) { Key(name) += value; }

  template <class T>
  void Number(std::string_view name, T value) {
    Key(name) += std::to_string(value);
  }

  void Bool(std::string_view name, bool value) { Raw(name, value ? "true" : "false"); }

  void Time(std::string_view name, Timestamp at) { Text(name, FormatIso8601Millis(at)); }

  void TimeIfAny(std::string_view name, const std::optional<Timestamp>& at) {
    if (at) Time(name, *at);
  }

  template <class Range, class Append>
  void List(std::string_view name, const Range& range, Append append) {
    Key(name) += '[';
    bool first = true;
    for (const auto& element : range) {
      if (!first) out_ += ',';
      first = false;
      append(out_, element);
    }
    out_ += ']';
  }

  void Texts(std::string_view name, const std::vector<std::string>& texts) {
    List(name, texts, [](std::string& out, const std::string& t) { json::AppendQuoted(out, t); });
  }

  void Close() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

}  // namespace postglass::query
