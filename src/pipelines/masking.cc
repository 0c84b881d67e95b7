#include "pipelines/masking.h"

#include <string>
#include <string_view>

#include "base/url_secrets.h"

namespace postglass::pipelines {
namespace {

constexpr std::string_view kJwtStart = "eyJ";  // base64url of `{"`

bool MayHoldSecret(std::string_view text) {
  return text.find("://") != std::string_view::npos ||
         text.find(kJwtStart) != std::string_view::npos ||
         text.find("www.") != std::string_view::npos;
}

// JSON within a text may write https:\/\/…, which would hide the URL from the rules.
std::string WithoutEscapedSlashes(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '/') continue;
    out += text[i];
  }
  return out;
}

// True when `masked` differs from `text`.
bool Mask(std::string_view text, std::string& masked) {
  if (text.find("\\/\\/") != std::string_view::npos) {
    masked = MaskText(WithoutEscapedSlashes(text));
    return masked != WithoutEscapedSlashes(text);
  }
  if (!MayHoldSecret(text)) return false;
  masked = MaskText(text);
  return masked != text;
}

// Recursion is bounded by json::kDepthMax, which every parser here keeps.
void MaskValue(json::value& v) {
  if (v.is_string()) {
    std::string masked;
    if (Mask(std::string_view(v.get_string()), masked)) v.get_string() = masked;
  } else if (v.is_array()) {
    for (json::value& element : v.get_array()) MaskValue(element);
  } else if (v.is_object()) {
    for (auto& member : v.get_object()) MaskValue(member.value());
  }
}

}  // namespace

void MaskSecrets(Log& log) {
  std::string masked;
  if (Mask(log.message, masked)) log.message = std::move(masked);
  for (std::string& tag : log.tags) {
    if (Mask(tag, masked)) tag = std::move(masked);
  }
  for (auto& member : log.attributes) MaskValue(member.value());
}

}  // namespace postglass::pipelines
