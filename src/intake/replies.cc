#include "intake/replies.h"

#include <fmt/format.h>

#include "base/json.h"
#include "intake/limits.h"

namespace postglass::intake {
namespace {

constexpr std::string_view kRetryAfterSeconds = "5";

json::object ErrorObject(int status, std::string_view detail) {
  json::object error;
  error["status"] = std::to_string(status);
  error["title"] = net::HttpReason(status);
  error["detail"] = detail;
  return error;
}

json::array BadLogErrors(const std::vector<BadLog>& bad) {
  json::array errors;
  for (const BadLog& log : bad) {
    if (errors.size() == kBadLogsNamedMax) {
      errors.push_back(ErrorObject(400, fmt::format("and {} more", bad.size() - kBadLogsNamedMax)));
      break;
    }
    errors.push_back(ErrorObject(400, fmt::format("log {}: {}", log.index, log.reason)));
  }
  return errors;
}

}  // namespace

net::HttpResponse AcceptedReply(Version version, const std::vector<BadLog>& bad) {
  json::object body;
  if (!bad.empty()) body["errors"] = BadLogErrors(bad);
  return net::JsonResponse(version == Version::kV2 ? 202 : 200, json::Serialize(body));
}

net::HttpResponse ErrorReply(Version version, int status, std::string_view detail) {
  json::object body;
  if (version == Version::kV2) {
    body["errors"] = json::array{ErrorObject(status, detail)};
  } else {
    body["code"] = status;
    body["message"] = detail;
  }
  net::HttpResponse response = net::JsonResponse(status, json::Serialize(body));
  if (status == 429 || status == 503) {
    response.headers.Add("Retry-After", std::string(kRetryAfterSeconds));
  }
  return response;
}

net::HttpResponse AllBadReply(Version version, const std::vector<BadLog>& bad) {
  if (version == Version::kV1 || bad.size() == 1) {
    return ErrorReply(
        version, 400, fmt::format("log {}: {}", bad.front().index, bad.front().reason));
  }
  json::object body;
  body["errors"] = BadLogErrors(bad);
  return net::JsonResponse(400, json::Serialize(body));
}

}  // namespace postglass::intake
