#include "pipelines/status.h"

#include <array>
#include <string>

#include "base/encoding.h"

namespace postglass::pipelines {
namespace {

constexpr std::array<std::string_view, 8> kSyslogLevels = {
    "emergency", "alert", "critical", "error", "warn", "notice", "info", "debug"};

}  // namespace

std::string_view MapStatus(std::string_view text) {
  text = TrimAscii(text);
  if (text.empty()) return "info";
  if (text.size() == 1 && text[0] >= '0' && text[0] <= '7') {
    return kSyslogLevels[static_cast<std::size_t>(text[0] - '0')];
  }
  const std::string lower = AsciiLower(text.substr(0, 5));
  if (lower.starts_with("emerg")) return "emergency";
  switch (lower[0]) {
    case 'f':
      return "emergency";  // fatal
    case 'a':
      return "alert";
    case 'c':
      return "critical";
    case 'e':
      return "error";
    case 'w':
      return "warn";
    case 'n':
      return "notice";
    case 'i':
      return "info";
    case 'd':
    case 't':
    case 'v':
      return "debug";  // debug, trace, verbose
    case 'o':
    case 's':
      return "ok";  // ok, success
    default:
      return "info";
  }
}

}  // namespace postglass::pipelines
