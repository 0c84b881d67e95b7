#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"

namespace postglass {

// One configuration key. The table of all of them (options.cc) is the only list: help texts, the
// documentation and the check for unknown keys are made from it.
struct OptionSpec {
  enum class Type { kString, kBool, kInteger, kDuration, kBytes, kList, kDurations, kTable };
  std::string_view key;  // "mail.sandbox"
  Type type = Type::kString;
  std::string_view fallback;  // as it would be written
  std::string_view help;
};

std::span<const OptionSpec> AllOptions();

// The values in force. Sources, the stronger first: flags, environment, file, fallback.
class Options {
 public:
  // `file_text`: contents of the configuration file (TOML), empty when there is none;
  // `environment`: variables POSTGLASS_<KEY> with dots as underscores; `flags`: "key" → text, as
  // --set gives them. kInvalidArgument says which key, why, and for an unknown one the nearest
  // known one.
  static Result<Options> Load(std::string_view file_text,
                              const std::string& file_name,
                              const std::map<std::string, std::string>& environment,
                              const std::map<std::string, std::string>& flags);

  // Requires: the key is in the table with that type.
  std::string String(std::string_view key) const;
  bool Bool(std::string_view key) const;
  std::int64_t Integer(std::string_view key) const;
  std::chrono::milliseconds Duration(std::string_view key) const;  // "500ms" "10s" "5m" "24h" "7d"
  std::uint64_t Bytes(std::string_view key) const;                 // "512MB" "1GB" (powers of ten)
  std::vector<std::string> List(std::string_view key) const;  // comma-separated, or a TOML array
  // As List, each a Duration; at least one.
  std::vector<std::chrono::milliseconds> Durations(std::string_view key) const;
  std::map<std::string, std::string> Table(
      std::string_view key) const;  // "a=b,c=d", or a TOML table

 private:
  Options() = default;
  std::string_view Text(std::string_view key, OptionSpec::Type type) const;

  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace postglass
