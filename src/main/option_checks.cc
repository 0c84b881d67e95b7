#include "main/option_checks.h"

#include <fmt/format.h>

#include "net/http_client.h"
#include "net/http_server.h"

namespace postglass {
namespace {

Status CheckChoice(const Options& options,
                   std::string_view key,
                   std::initializer_list<std::string_view> choices) {
  const std::string value = options.String(key);
  std::string known;
  for (const std::string_view choice : choices) {
    if (value == choice) return {};
    known += fmt::format("{}{}", known.empty() ? "" : ", ", choice);
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is one of {}, not \"{}\"", key, known, value));
}

}  // namespace

Status CheckOptions(const Options& options) {
  RETURN_IF_ERROR(CheckChoice(options, "mail.mode", {"capture", "relay"}));
  RETURN_IF_ERROR(
      CheckChoice(options, "relay.tls", {"never", "if_offered", "required", "implicit"}));
  RETURN_IF_ERROR(CheckChoice(options, "functions.forwarder", {"in_process", "process"}));
  RETURN_IF_ERROR(CheckChoice(options, "store.durability", {"fsync", "os"}));
  RETURN_IF_ERROR(CheckChoice(options, "log.level", {"debug", "info", "warn", "error"}));
  if (options.String("mail.mode") == "relay" && options.String("relay.host").empty()) {
    return Fail(ErrorCode::kInvalidArgument, "mail.mode=relay needs relay.host");
  }
  if (const std::string url = options.String("public_url"); !url.empty()) {
    RETURN_IF_ERROR(net::ParseUrl(url).and_then([](net::Url) { return Status(); }));
  }
  for (const char* key : {"listen.http", "listen.https", "listen.smtp", "listen.smtps"}) {
    RETURN_IF_ERROR(net::ParseListenAddress(options.String(key)).and_then([](net::ListenAddress) {
      return Status();
    }));
  }
  return {};
}

}  // namespace postglass
