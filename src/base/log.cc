#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/encoding.h"

namespace postglass::log {
namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// The one exception to "no singletons": a process has one stderr. Never destroyed, because threads
// that end late still write to it.
spdlog::logger& StderrLogger() {
  static spdlog::logger* const logger = [] {
    auto* made = new spdlog::logger("postglass", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_formatter(std::make_unique<spdlog::pattern_formatter>(
        "%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc));
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

void AppendHex(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// U+0080..U+009F, U+2028 and U+2029 in UTF-8, at the front of `text`: their length, else 0.
std::size_t WideControlLength(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.size() >= 2 && byte(0) == 0xC2 && byte(1) <= 0x9F) return 2;
  if (text.starts_with("\xE2\x80\xA8") || text.starts_with("\xE2\x80\xA9")) return 3;
  return 0;
}

}  // namespace

void SetLevel(Level level) { StderrLogger().set_level(ToSpdlog(level)); }

bool Enabled(Level level) { return StderrLogger().should_log(ToSpdlog(level)); }

void Write(Level level, std::string_view component, std::string_view text) {
  StderrLogger().log(ToSpdlog(level), "{}: {}", Escape(component), Escape(text));
}

std::string Escape(std::string_view text) {
  const bool well_formed = IsUtf8(text);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !well_formed)) {
      AppendHex(out, c);
    } else if (const std::size_t length = byte >= 0x80 ? WideControlLength(text.substr(i)) : 0;
               length > 0) {
      for (std::size_t k = 0; k < length; ++k) AppendHex(out, text[i + k]);
      i += length - 1;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace postglass::log
