#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

// The process's own log: one line an entry, on stderr, control characters escaped. The library
// behind it (spdlog) is slow to compile and stays in log.cc. Thread-safe.
//
// Never log secrets, message bodies or recipients' addresses above debug level.

namespace postglass::log {

enum class Level { kDebug, kInfo, kWarn, kError };

void SetLevel(Level level);
bool Enabled(Level level);
void Write(Level level, std::string_view component, std::string_view text);
// `text` as it stands in an entry: control characters (C0, DEL, C1), U+2028, U+2029 and ill-formed
// UTF-8 as \n, \r, \t or \xNN per byte, so that outside text cannot forge lines or drive a
// terminal.
std::string Escape(std::string_view text);

template <class... Args>
void Debug(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  if (Enabled(Level::kDebug)) {
    Write(Level::kDebug, component, fmt::format(text, std::forward<Args>(args)...));
  }
}

template <class... Args>
void Info(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  Write(Level::kInfo, component, fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
void Warn(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  Write(Level::kWarn, component, fmt::format(text, std::forward<Args>(args)...));
}

template <class... Args>
void Error(std::string_view component, fmt::format_string<Args...> text, Args&&... args) {
  Write(Level::kError, component, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace postglass::log
