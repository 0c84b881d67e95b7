#include "pipelines/string_builder.h"

#include <optional>

#include "pipelines/tree.h"

namespace postglass::pipelines {
namespace {

// The values of `path`, reaching through arrays of objects.
std::optional<std::string> Lookup(const json::object& root, std::string_view path) {
  if (const json::value* v = json::FindPath(root, path)) {
    if (v->is_object()) return std::nullopt;
    return TextOf(*v);
  }
  for (std::size_t dot = path.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = path.rfind('.', dot - 1)) {
    const json::value* head = json::FindPath(root, path.substr(0, dot));
    if (head == nullptr || !head->is_array()) continue;
    std::string joined;
    for (const json::value& element : head->get_array()) {
      if (!element.is_object()) continue;
      const json::value* v = json::FindPath(element.get_object(), path.substr(dot + 1));
      if (v == nullptr || v->is_object()) continue;
      if (!joined.empty()) joined += ',';
      joined += TextOf(*v);
    }
    if (joined.empty()) return std::nullopt;
    return joined;
  }
  return std::nullopt;
}

std::optional<std::string> LookupInLog(const Log& log, std::string_view path) {
  if (auto found = Lookup(log.attributes, path)) return found;
  const auto reserved = [](const std::string& text) -> std::optional<std::string> {
    if (text.empty()) return std::nullopt;
    return text;
  };
  if (path == "message") return reserved(log.message);
  if (path == "service") return reserved(log.service);
  if (path == "source") return reserved(log.source);
  if (path == "host") return reserved(log.host);
  if (path == "status") return reserved(log.status);
  return std::nullopt;
}

}  // namespace

std::string_view CutUtf8(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

StringBuilder::StringBuilder(Options options) : options_(std::move(options)) {
  std::string_view rest = options_.text;
  while (!rest.empty()) {
    const std::size_t open = rest.find("%{");
    const std::size_t close = open == std::string_view::npos ? open : rest.find('}', open);
    if (close == std::string_view::npos) {
      pieces_.push_back({false, std::string(rest)});
      break;
    }
    if (open > 0) pieces_.push_back({false, std::string(rest.substr(0, open))});
    pieces_.push_back({true, std::string(rest.substr(open + 2, close - open - 2))});
    rest.remove_prefix(close + 1);
  }
}

Status StringBuilder::Process(Log& log, Context&) const {
  std::string built;
  for (const Piece& piece : pieces_) {
    if (!piece.is_path) {
      built += piece.text;
      continue;
    }
    const auto found = LookupInLog(log, piece.text);
    if (!found && !options_.replace_missing) return {};
    if (found) built += *found;
  }
  SetPath(log.attributes,
          options_.target,
          json::value(CutUtf8(built, kResultBytesMax), log.attributes.storage()));
  return {};
}

}  // namespace postglass::pipelines
