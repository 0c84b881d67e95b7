#include "intake/body.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "intake/limits.h"

namespace postglass::intake {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::string_view kBlank = " \t\r\n";

Result<json::value> ParseValue(std::string_view text, const boost::json::storage_ptr& storage) {
  boost::json::parse_options options;
  options.max_depth = json::kDepthMax;
  boost::system::error_code error;
  json::value v = boost::json::parse(text, error, storage, options);
  if (!error) return v;
  return Fail(ErrorCode::kInvalidArgument,
              error == boost::json::error::too_deep
                  ? fmt::format("nested deeper than {}", json::kDepthMax)
                  : fmt::format("not well-formed JSON: {}", error.message()));
}

// Length of the JSON value that begins `text`, found by brackets and quotes alone; the whole text
// when it does not end.
std::size_t ValueLength(std::string_view text) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        for (++i; i < text.size() && text[i] != '"'; ++i) {
          if (text[i] == '\\') ++i;
        }
        if (depth == 0) return std::min(i + 1, text.size());
        break;
      case '{':
      case '[':
        ++depth;
        break;
      case '}':
      case ']':
        if (depth == 0) return i;
        if (--depth == 0) return i + 1;
        break;
      case ',':
        if (depth == 0) return i;
        break;
      default:
        break;
    }
  }
  return text.size();
}

void SkipBlank(std::string_view& text) {
  const std::size_t first = text.find_first_not_of(kBlank);
  text.remove_prefix(first == std::string_view::npos ? text.size() : first);
}

class Decoder {
 public:
  explicit Decoder(const boost::json::storage_ptr& storage) : storage_(storage) {}

  Status Array(std::string_view body) {
    if (auto whole = ParseValue(body, storage_); whole && whole->is_array()) {
      RETURN_IF_ERROR(CheckCount(whole->get_array().size(), kArrayLogsMax));
      for (json::value& element : whole->get_array()) AddValue(std::move(element));
      return {};
    }
    // Something in it is broken: take the elements one by one, so that the others come through.
    body.remove_prefix(1);
    for (SkipBlank(body); !body.empty() && body.front() != ']'; SkipBlank(body)) {
      const std::size_t length = ValueLength(body);
      AddText(TrimAscii(body.substr(0, length)));
      body.remove_prefix(length);
      SkipBlank(body);
      if (!body.empty() && body.front() == ',') body.remove_prefix(1);
      RETURN_IF_ERROR(CheckCount(next_index_, kArrayLogsMax));
      if (length == 0 && !body.empty() && body.front() != ']') break;  // a stray closing bracket
    }
    return {};
  }

  Status Objects(std::string_view body) {
    for (; !body.empty(); SkipBlank(body)) {
      const std::size_t line = std::min(body.find('\n'), body.size());
      const std::size_t length =
          body.front() == '{' ? ValueLength(body) : std::max<std::size_t>(line, 1);
      auto parsed = ParseValue(body.substr(0, length), storage_);
      if (parsed) {
        AddValue(*std::move(parsed));
        body.remove_prefix(length);
      } else {
        // A line that lost its end must not swallow those behind it.
        Bad(std::move(parsed.error().message));
        body.remove_prefix(std::min(length, std::max<std::size_t>(line, 1)));
      }
      SkipBlank(body);
      if (!body.empty() && body.front() == ',') body.remove_prefix(1);
      RETURN_IF_ERROR(CheckCount(next_index_, kLinesMax));
    }
    return {};
  }

  Status Lines(std::string_view body) {
    while (!body.empty()) {
      const std::size_t end = std::min(body.find('\n'), body.size());
      const std::string_view line = TrimAscii(body.substr(0, end));
      body.remove_prefix(std::min(end + 1, body.size()));
      if (line.empty()) continue;
      json::object log(storage_);
      log["message"] = line;
      decoded_.logs.push_back(std::move(log));
      RETURN_IF_ERROR(CheckCount(++next_index_, kLinesMax));
    }
    return {};
  }

  DecodedBody Take() && { return std::move(decoded_); }

 private:
  static Status CheckCount(std::size_t count, std::size_t count_max) {
    if (count <= count_max) return {};
    return Fail(ErrorCode::kLimit, fmt::format("more than {} logs in one request", count_max));
  }

  void Bad(std::string reason) { decoded_.bad.push_back({next_index_++, std::move(reason)}); }

  void AddValue(json::value v) {
    if (!v.is_object()) return Bad("a log must be a JSON object");
    decoded_.logs.push_back(std::move(v.get_object()));
    ++next_index_;
  }

  void AddText(std::string_view text) {
    auto parsed = ParseValue(text, storage_);
    if (!parsed) return Bad(std::move(parsed.error().message));
    AddValue(*std::move(parsed));
  }

  const boost::json::storage_ptr& storage_;
  DecodedBody decoded_;
  std::size_t next_index_ = 0;
};

}  // namespace

Result<DecodedBody> DecodeBody(std::string_view body, const boost::json::storage_ptr& storage) {
  std::string repaired;
  if (!IsUtf8(body)) {
    repaired = ToValidUtf8(body);
    body = repaired;
  }
  if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
  body = TrimAscii(body);
  if (body.empty()) return Fail(ErrorCode::kInvalidArgument, "the body is empty");
  Decoder decoder(storage);
  switch (body.front()) {
    case '[':
      RETURN_IF_ERROR(decoder.Array(body));
      break;
    case '{':
      RETURN_IF_ERROR(decoder.Objects(body));
      break;
    default:
      RETURN_IF_ERROR(decoder.Lines(body));
  }
  return std::move(decoder).Take();
}

}  // namespace postglass::intake
