#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "mail/templates/handlebars.h"

// A template (SES's part of Handlebars) and its data, parted by the first NUL byte. What is
// rendered stays within its limits, and twice the same.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  using namespace postglass::mail;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), input.size());
  const Result<HandlebarsTemplate> parsed = HandlebarsTemplate::Parse(input.substr(0, end));
  if (!parsed) return 0;
  const Result<json::object> values =
      json::ParseObject(input.substr(std::min(end + 1, input.size())));
  constexpr RenderLimits kLimits{.bytes_max = 64 * 1024, .steps_max = 20'000};
  const json::object given = values ? *values : json::object();
  const Result<std::string> rendered = parsed->Render(given, kLimits);
  if (!rendered) return 0;
  CHECK(rendered->size() <= kLimits.bytes_max);
  CHECK(parsed->Render(given, kLimits) == *rendered);
  return 0;
}
