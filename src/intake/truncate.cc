#include "intake/truncate.h"

#include <string>
#include <vector>

#include "base/json.h"
#include "pipelines/string_builder.h"

namespace postglass::intake {
namespace {

// Shorter texts are not worth cutting; if only they remain, the attributes go as a whole.
constexpr std::size_t kCutTextBytes = 1024;

std::size_t SizeOf(const store::Event& event) {
  std::size_t bytes = event.message.size() + event.attributes.size();
  for (const std::string& tag : event.tags) bytes += tag.size();
  return bytes;
}

void CutTexts(json::value& v) {
  if (v.is_string()) {
    if (v.get_string().size() <= kCutTextBytes) return;
    const std::string cut(pipelines::CutUtf8(std::string_view(v.get_string()), kCutTextBytes));
    v.get_string() = cut;
  } else if (v.is_array()) {
    for (json::value& element : v.get_array()) CutTexts(element);
  } else if (v.is_object()) {
    for (auto& member : v.get_object()) CutTexts(member.value());
  }
}

}  // namespace

void TruncateLog(store::Event& event, std::size_t bytes_max) {
  const std::size_t bytes = SizeOf(event);
  if (bytes <= bytes_max) return;
  event.tags.emplace_back("truncated");
  const std::size_t excess = bytes - bytes_max;
  const std::size_t message_bytes = event.message.size() > excess + kCutTextBytes
                                        ? event.message.size() - excess
                                        : std::min(event.message.size(), kCutTextBytes);
  event.message = std::string(pipelines::CutUtf8(event.message, message_bytes));
  if (SizeOf(event) <= bytes_max) return;
  if (auto parsed = json::Parse(event.attributes)) {
    CutTexts(*parsed);
    event.attributes = json::Serialize(*parsed);
  }
  if (SizeOf(event) > bytes_max) event.attributes = "{}";
}

}  // namespace postglass::intake
