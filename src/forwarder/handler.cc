#include "forwarder/handler.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/json.h"

namespace postglass::forwarder {
namespace {

constexpr std::size_t kArenaBytes = 16 << 10;
constexpr std::size_t kReasonBytesMax = 200;  // of the intake's answer
constexpr std::chrono::milliseconds kSendTimeout{10'000};
constexpr std::chrono::milliseconds kRetryPause{500};  // doubled each time
constexpr std::chrono::milliseconds kRetryRoom{2'000};

// What every log of the function carries, as members of a JSON object with a comma in front.
std::string CommonMembers(const Config& config, const FunctionContext& context) {
  std::string out = R"(,"ddsource":"sns","ddsourcecategory":"aws","aws":{"invoked_function_arn":)";
  json::AppendQuoted(out, context.invoked_arn);
  if (!context.version.empty() && context.version != "$LATEST") {
    out += R"(,"function_version":)";
    json::AppendQuoted(out, context.version);
  }
  std::string tags = config.tags;
  if (!tags.empty()) tags += ',';
  tags += fmt::format(
      "forwardername:{},forwarder_version:{}", AsciiLower(context.name), kForwarderVersion);
  out += R"(},"ddtags":)";
  json::AppendQuoted(out, tags);
  out += '}';
  return out;
}

// The record with the common members behind its own. The record's own members of these names would
// come first and so lose against them at the intake.
std::string RenderLog(const json::object& record, const std::string& common) {
  std::string log = json::Serialize(record);
  log.pop_back();
  // An empty record leaves "{": the comma in front of the first member has to go.
  log.append(common, log.size() == 1 ? 1 : 0, std::string::npos);
  return log;
}

// The intake's own words, short and on one line.
std::string Excerpt(std::string_view body) {
  std::string text = ToValidUtf8(body.substr(0, kReasonBytesMax));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return text;
}

Error ErrorOf(const net::HttpResponse& response) {
  const std::string said =
      fmt::format("the intake answered {} {}", response.status, net::HttpReason(response.status));
  if (response.status == 401 || response.status == 403) {
    return {ErrorCode::kPermissionDenied, said + ": the API key was refused"};
  }
  return {ErrorCode::kUnavailable, fmt::format("{}: {}", said, Excerpt(response.body))};
}

bool IsPermanent(int status) {
  return status >= 400 && status < 500 && status != 401 && status != 403 && status != 408 &&
         status != 429;
}

}  // namespace

Handler::Handler(Config config, net::HttpClient& client, const Clock* clock, Pause pause)
    : config_(std::move(config)), client_(client), clock_(clock), pause_(std::move(pause)) {}

Result<ForwardReport> Handler::Handle(std::string_view event, const FunctionContext& context) {
  boost::json::monotonic_resource arena(kArenaBytes);
  boost::json::parse_options options;
  options.max_depth = json::kDepthMax;
  boost::system::error_code error;
  json::value parsed = boost::json::parse(event, error, boost::json::storage_ptr(&arena), options);
  if (error || !parsed.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "the event is not a JSON object");
  }
  config_.redaction.Apply(parsed);
  const std::string common = CommonMembers(config_, context);
  ForwardReport report;
  std::vector<DeadLetter> dead;
  std::string batch;
  std::size_t batch_logs = 0;
  std::size_t logs_count = 0;
  const auto flush = [&]() -> Status {
    if (batch_logs == 0) return {};
    batch += ']';
    RETURN_IF_ERROR(Send(batch, batch_logs, context, dead));
    batch.clear();
    batch_logs = 0;
    return {};
  };
  const auto add = [&](const json::object& record) -> Status {
    const std::string log = RenderLog(record, common);
    if (!config_.redaction.Sends(log)) {
      ++report.held_back;
      return {};
    }
    if (batch_logs == kBatchLogsMax || batch.size() + log.size() + 2 > kBatchBytesMax) {
      RETURN_IF_ERROR(flush());
    }
    batch += batch_logs == 0 ? '[' : ',';
    batch += log;
    ++batch_logs;
    ++logs_count;
    return {};
  };
  const json::object& root = parsed.get_object();
  if (const json::array* records = json::GetArray(root, "Records")) {
    for (const json::value& record : *records) {
      if (record.is_object()) RETURN_IF_ERROR(add(record.get_object()));
    }
  } else {
    RETURN_IF_ERROR(add(root));
  }
  RETURN_IF_ERROR(flush());

  json::array letters;
  std::size_t letters_bytes = 0;
  for (const DeadLetter& letter : dead) {
    report.dead_lettered += letter.logs;
    json::object o{{"reason", letter.reason}, {"logs", letter.logs}};
    if (letters_bytes + letter.body.size() < kResponseBytesMax / 2) {
      letters_bytes += letter.body.size();
      if (auto body = json::Parse(letter.body)) o["entries"] = *std::move(body);
    }
    letters.push_back(std::move(o));
  }
  report.forwarded = logs_count - std::min(report.dead_lettered, logs_count);
  json::object response{{"statusCode", 200}, {"forwarded", report.forwarded}};
  if (!letters.empty()) response["dead_letters"] = std::move(letters);
  report.response = json::Serialize(response);
  return report;
}

bool Handler::MayRetry(int retries, const FunctionContext& context) const {
  if (!context.deadline || clock_ == nullptr || !pause_ || retries == kRetriesMax) return false;
  // Pause, request and the answer to the Runtime API must fit.
  return clock_->Now() + kRetryPause * (1 << retries) + kRetryRoom < *context.deadline;
}

Status Handler::Send(const std::string& body,
                     std::size_t logs,
                     const FunctionContext& context,
                     std::vector<DeadLetter>& dead) {
  RETURN_IF_ERROR(SendTo({config_.intake_url, config_.api_key}, body, logs, context, dead));
  for (const Config::Target& target : config_.additional) {
    RETURN_IF_ERROR(SendTo(target, body, logs, context, dead));
  }
  return {};
}

Status Handler::SendTo(const Config::Target& target,
                       const std::string& body,
                       std::size_t logs,
                       const FunctionContext& context,
                       std::vector<DeadLetter>& dead) {
  net::HttpClient::Request request;
  request.method = "POST";
  request.url = target.intake_url + "/api/v2/logs";
  request.headers = {{"DD-API-KEY", target.api_key},
                     {"Content-Type", "application/json"},
                     {"DD-EVP-ORIGIN", "postglass_forwarder"},
                     {"DD-EVP-ORIGIN-VERSION", std::string(kForwarderVersion)}};
  if (config_.compress) {
    ASSIGN_OR_RETURN(request.body, net::GzipCompress(body, config_.compression_level));
    request.headers.Add("Content-Encoding", "gzip");
  } else {
    request.body = body;
  }
  request.timeout = kSendTimeout;
  for (int retries = 0;; ++retries) {
    Error failure;
    const auto response = client_.Send(request);
    if (response) {
      if (response->status >= 200 && response->status < 300) return {};
      if (IsPermanent(response->status)) {
        dead.push_back({fmt::format("the intake answered {} {}: {}",
                                    response->status,
                                    net::HttpReason(response->status),
                                    Excerpt(response->body)),
                        body,
                        logs});
        return {};
      }
      failure = ErrorOf(*response);
    } else {
      failure.code = response.error().code == ErrorCode::kTimeout ? ErrorCode::kTimeout
                                                                  : ErrorCode::kUnavailable;
      failure.message = fmt::format("the intake is not reachable: {}", response.error().message);
    }
    // A refused key is refused again a second later.
    if (failure.code == ErrorCode::kPermissionDenied || !MayRetry(retries, context)) {
      return Fail(std::move(failure));
    }
    pause_(kRetryPause * (1 << retries));
  }
}

}  // namespace postglass::forwarder
