#include "main/options.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "base/check.h"
#include "base/encoding.h"

namespace postglass {
namespace {

using Type = OptionSpec::Type;

constexpr std::array kOptions = {
    OptionSpec{
        "listen.http",
        Type::kString,
        "127.0.0.1:8080",
        "address of the HTTP listener: AWS and Datadog APIs, console; port 0 takes a free one"},
    OptionSpec{"listen.https", Type::kString, "127.0.0.1:8443", "the same over TLS"},
    OptionSpec{"listen.smtp", Type::kString, "127.0.0.1:2587", "SMTP submission with STARTTLS"},
    OptionSpec{"listen.smtps", Type::kString, "127.0.0.1:2465", "SMTP submission over TLS"},
    OptionSpec{"listen.hooks",
               Type::kString,
               "",
               "a second HTTP listener that serves /hooks and /t alone, the part one may expose; "
               "empty: none"},
    OptionSpec{"public_url",
               Type::kString,
               "",
               "the URL by which others reach this server (tracking links, SNS certificate and "
               "confirmation); empty: the HTTPS listener"},
    OptionSpec{"log.level", Type::kString, "info", "debug, info, warn or error"},
    OptionSpec{"tls.cert",
               Type::kString,
               "",
               "PEM file with the server's certificate chain; empty: one signed by DIR/tls/ca.pem; "
               "read again on SIGHUP"},
    OptionSpec{"tls.key", Type::kString, "", "PEM file with its private key"},
    OptionSpec{"http.workers",
               Type::kInteger,
               "48",
               "threads that handle requests (they wait for the disk)"},
    OptionSpec{"mail.mode",
               Type::kString,
               "capture",
               "what becomes of mail: capture (kept here, never leaves) or relay (to relay.host)"},
    OptionSpec{"mail.require_verified",
               Type::kBool,
               "false",
               "refuse mail from identities that were not verified"},
    OptionSpec{"mail.sandbox",
               Type::kBool,
               "false",
               "SES's sandbox: only verified recipients and the simulator, 200 mails a day"},
    OptionSpec{"mail.max_24_hour_send",
               Type::kInteger,
               "0",
               "recipients in 24 hours; 0: no limit, or SES's 200 in the sandbox"},
    OptionSpec{"mail.max_send_rate",
               Type::kInteger,
               "0",
               "recipients a second; 0: no limit, or SES's 1 in the sandbox"},
    OptionSpec{"mail.scenarios",
               Type::kTable,
               "",
               "addresses that act like a simulator address: \"*@bounce.example\" = \"bounce\""},
    OptionSpec{"capture.retention", Type::kDuration, "7d", "how long captured mail is kept"},
    OptionSpec{
        "capture.bytes_max", Type::kBytes, "1GB", "size of captured mail; the oldest goes first"},
    OptionSpec{"relay.host", Type::kString, "", "SMTP smart host for mail.mode=relay"},
    OptionSpec{"relay.port", Type::kInteger, "25", "its port"},
    OptionSpec{"relay.tls", Type::kString, "if_offered", "never, if_offered, required or implicit"},
    OptionSpec{"relay.user", Type::kString, "", "user name for it; empty: none"},
    OptionSpec{"relay.password", Type::kString, "", "password for it"},
    OptionSpec{
        "relay.retry_after",
        Type::kDurations,
        "1m,2m,5m,10m,20m,30m,40m,50m,60m",
        "when the relay answers 4xx or not at all: pauses before the next attempts, the last "
        "one repeats (each ± 10 %)"},
    OptionSpec{"relay.give_up_after",
               Type::kDuration,
               "14h",
               "mail that the relay does not take for so long bounces"},
    OptionSpec{
        "functions.forwarder",
        Type::kString,
        "in_process",
        "how the built-in forwarder runs: in_process, or process (a child over the Runtime API)"},
    OptionSpec{
        "functions.inject_intake",
        Type::kBool,
        "true",
        "give functions that lack them DD_URL, DD_PORT, DD_NO_SSL and DD_API_URL of this server"},
    OptionSpec{"functions.custom_code",
               Type::kBool,
               "false",
               "run functions with code of their own (zip archives by the Lambda API), as child "
               "processes under this server's user"},
    OptionSpec{"topics.private_endpoints",
               Type::kBool,
               "true",
               "let topics deliver to http(s) endpoints on loopback and private addresses; "
               "link-local and metadata addresses are refused always"},
    OptionSpec{"hooks.sns.topics",
               Type::kList,
               "",
               "ARNs of the Amazon SNS topics that /hooks/sns believes; empty: none"},
    OptionSpec{
        "hooks.sns.max_age", Type::kDuration, "24h", "older messages on /hooks/sns are refused"},
    OptionSpec{"streams.keep_files",
               Type::kDuration,
               "30d",
               "how long files that delivery streams wrote are kept"},
    OptionSpec{
        "streams.files_max", Type::kBytes, "1GB", "size of all these files; the oldest go first"},
    OptionSpec{"source.sqs.queue_url",
               Type::kString,
               "",
               "URL of an SQS queue that Amazon SNS fills and this server polls; empty: none"},
    OptionSpec{"source.sqs.endpoint",
               Type::kString,
               "",
               "where SQS answers, if not where the queue's URL says"},
    OptionSpec{"source.sqs.region", Type::kString, "", "its Region, if the URL does not name it"},
    OptionSpec{"source.sqs.access_key_id",
               Type::kString,
               "",
               "AWS key that may receive and delete messages of that queue"},
    OptionSpec{"source.sqs.secret_access_key", Type::kString, "", "its secret"},
    OptionSpec{"source.sqs.topics",
               Type::kList,
               "",
               "ARNs of the Amazon SNS topics whose messages in the queue are believed"},
    OptionSpec{"source.sqs.raw",
               Type::kBool,
               "false",
               "the queue gets raw message delivery, without signatures: believe whoever may send "
               "to it"},
    OptionSpec{"intake.masking",
               Type::kBool,
               "true",
               "mask what looks like a secret in URLs before anything is stored, and do not track "
               "such links"},
    OptionSpec{"store.durability",
               Type::kString,
               "fsync",
               "fsync: what was acknowledged survives a power cut; os: it survives kill -9 only"},
    OptionSpec{"store.disk_warn_percent", Type::kInteger, "80", "alarm when the disk is this full"},
    OptionSpec{
        "store.disk_stop_percent", Type::kInteger, "90", "take no more mail and events then"},
    OptionSpec{"store.retention_days",
               Type::kInteger,
               "0",
               "remove events so many days after they happened, a day at a time; 0: keep them"},
    OptionSpec{"store.size_max",
               Type::kBytes,
               "0",
               "remove the oldest events when all take more on disk; 0: no bound"},
    OptionSpec{"store.cache_size", Type::kBytes, "128MB", "memory for what queries read of events"},
};

const OptionSpec* FindSpec(std::string_view key) {
  const auto* found = std::find_if(
      kOptions.begin(), kOptions.end(), [&](const OptionSpec& spec) { return spec.key == key; });
  return found == kOptions.end() ? nullptr : found;
}

// Levenshtein distance: keys are short, so the plain table will do.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string_view Nearest(std::string_view key) {
  return std::min_element(kOptions.begin(),
                          kOptions.end(),
                          [&](const OptionSpec& a, const OptionSpec& b) {
                            return Distance(key, a.key) < Distance(key, b.key);
                          })
      ->key;
}

// A number and a unit of `units`; nothing when it is neither.
std::optional<std::int64_t> ParseWithUnit(
    std::string_view text, std::span<const std::pair<std::string_view, std::int64_t>> units) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    if (number > INT64_MAX / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

std::optional<std::int64_t> ParseDurationMillis(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits = {
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  return ParseWithUnit(text, kUnits);
}

std::optional<std::int64_t> ParseBytes(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 6> kUnits = {
      {{"", 1},
       {"B", 1},
       {"KB", 1'000},
       {"MB", 1'000'000},
       {"GB", 1'000'000'000},
       {"TB", 1'000'000'000'000}}};
  return ParseWithUnit(text, kUnits);
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view item = TrimAscii(text.substr(0, comma));
    if (!item.empty()) items.emplace_back(item);
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return items;
}

// What is wrong with `text` as a value of `spec`; empty when nothing is.
std::string Complaint(const OptionSpec& spec, std::string_view text) {
  switch (spec.type) {
    case Type::kBool:
      return text == "true" || text == "false" ? "" : "takes true or false";
    case Type::kInteger: {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      const bool whole = error == std::errc() && end == text.data() + text.size();
      return whole ? "" : "takes a whole number";
    }
    case Type::kDuration:
      return ParseDurationMillis(text) ? "" : "takes a duration such as 500ms, 10s, 5m, 24h, 7d";
    case Type::kDurations: {
      const std::vector<std::string> items = SplitList(text);
      const bool fine =
          !items.empty() && std::all_of(items.begin(), items.end(), [](const auto& i) {
            return ParseDurationMillis(i).value_or(0) > 0;
          });
      return fine ? "" : "takes durations such as 10s,1m,1h";
    }
    case Type::kBytes:
      return ParseBytes(text) ? "" : "takes a size such as 512MB or 1GB";
    case Type::kString:
    case Type::kList:
    case Type::kTable:
      return "";
  }
  return "";
}

std::string TomlText(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  return {};
}

// Flattens tables into dotted keys; stops at keys of type table and at arrays.
Status Flatten(const toml::table& table,
               const std::string& prefix,
               const std::string& file_name,
               std::map<std::string, std::string>& out) {
  for (const auto& [name, node] : table) {
    const std::string key =
        prefix.empty() ? std::string(name.str()) : fmt::format("{}.{}", prefix, name.str());
    const OptionSpec* spec = FindSpec(key);
    const auto line = node.source().begin.line;
    if (const toml::table* inner = node.as_table()) {
      if (spec == nullptr) {
        RETURN_IF_ERROR(Flatten(*inner, key, file_name, out));
        continue;
      }
      if (spec->type != Type::kTable) {
        return Fail(ErrorCode::kInvalidArgument,
                    fmt::format("{}:{}: {} is not a table", file_name, line, key));
      }
      std::string joined;
      for (const auto& [item, value] : *inner) {
        joined += fmt::format("{}{}={}", joined.empty() ? "" : ",", item.str(), TomlText(value));
      }
      out[key] = joined;
    } else if (const toml::array* items = node.as_array()) {
      std::string joined;
      for (const toml::node& item : *items) {
        joined += fmt::format("{}{}", joined.empty() ? "" : ",", TomlText(item));
      }
      out[key] = joined;
    } else {
      out[key] = TomlText(node);
    }
  }
  return {};
}

Result<std::map<std::string, std::string>> ReadFile(std::string_view text,
                                                    const std::string& file_name) {
  try {
    std::map<std::string, std::string> values;
    RETURN_IF_ERROR(Flatten(toml::parse(text, file_name), "", file_name, values));
    return values;
  } catch (const toml::parse_error& error) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{}:{}: {}", file_name, error.source().begin.line, error.description()));
  }
}

}  // namespace

std::span<const OptionSpec> AllOptions() { return kOptions; }

Result<Options> Options::Load(std::string_view file_text,
                              const std::string& file_name,
                              const std::map<std::string, std::string>& environment,
                              const std::map<std::string, std::string>& flags) {
  Options options;
  for (const OptionSpec& spec : kOptions) {
    options.values_[std::string(spec.key)] = std::string(spec.fallback);
  }
  const auto set =
      [&](const std::string& key, const std::string& text, const std::string& where) -> Status {
    const OptionSpec* spec = FindSpec(key);
    if (spec == nullptr) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: there is no option {}; the nearest is {} (see postglass help "
                              "options)",
                              where,
                              key,
                              Nearest(key)));
    }
    const std::string complaint = Complaint(*spec, text);
    if (!complaint.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: {} {}, not \"{}\"", where, key, complaint, text));
    }
    options.values_[key] = text;
    return {};
  };

  ASSIGN_OR_RETURN(const auto from_file, ReadFile(file_text, file_name));
  for (const auto& [key, text] : from_file) RETURN_IF_ERROR(set(key, text, file_name));
  for (const auto& [variable, text] : environment) {
    constexpr std::string_view kPrefix = "POSTGLASS_";
    if (!variable.starts_with(kPrefix) || variable == "POSTGLASS_DATA") continue;
    const std::string wanted = AsciiLower(variable.substr(kPrefix.size()));
    const auto* spec = std::find_if(kOptions.begin(), kOptions.end(), [&](const OptionSpec& s) {
      std::string flat(s.key);
      std::replace(flat.begin(), flat.end(), '.', '_');
      return flat == wanted;
    });
    if (spec == kOptions.end()) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("environment: {} names no option; the nearest is {} (see postglass "
                              "help options)",
                              variable,
                              Nearest(wanted)));
    }
    RETURN_IF_ERROR(set(std::string(spec->key), text, "environment: " + variable));
  }
  for (const auto& [key, text] : flags) RETURN_IF_ERROR(set(key, text, "command line"));
  return options;
}

std::string_view Options::Text(std::string_view key, OptionSpec::Type type) const {
  const OptionSpec* spec = FindSpec(key);
  CHECK(spec != nullptr && spec->type == type);
  return values_.find(key)->second;
}

std::string Options::String(std::string_view key) const {
  return std::string(Text(key, Type::kString));
}

bool Options::Bool(std::string_view key) const { return Text(key, Type::kBool) == "true"; }

std::int64_t Options::Integer(std::string_view key) const {
  const std::string_view text = Text(key, Type::kInteger);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::chrono::milliseconds Options::Duration(std::string_view key) const {
  return std::chrono::milliseconds(*ParseDurationMillis(Text(key, Type::kDuration)));
}

std::uint64_t Options::Bytes(std::string_view key) const {
  return static_cast<std::uint64_t>(*ParseBytes(Text(key, Type::kBytes)));
}

std::vector<std::string> Options::List(std::string_view key) const {
  return SplitList(Text(key, Type::kList));
}

std::vector<std::chrono::milliseconds> Options::Durations(std::string_view key) const {
  std::vector<std::chrono::milliseconds> durations;
  for (const std::string& item : SplitList(Text(key, Type::kDurations))) {
    durations.emplace_back(*ParseDurationMillis(item));
  }
  return durations;
}

std::map<std::string, std::string> Options::Table(std::string_view key) const {
  std::map<std::string, std::string> table;
  for (const std::string& item : SplitList(Text(key, Type::kTable))) {
    const std::size_t equals = item.find('=');
    table[item.substr(0, equals)] = equals == std::string::npos ? "" : item.substr(equals + 1);
  }
  return table;
}

}  // namespace postglass
