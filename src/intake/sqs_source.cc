#include "intake/sqs_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/signed_request.h"
#include "base/encoding.h"
#include "base/log.h"
#include "intake/preprocess.h"

namespace postglass::intake {
namespace {

constexpr std::chrono::seconds kCallTimeout{20};  // beyond the wait
// Ten messages of SQS's largest size, every character of them escaped.
constexpr std::size_t kAnswerBytesMax = 64 << 20;
constexpr std::size_t kReasonBytesMax = 300;

// "https://sqs.eu-west-1.amazonaws.com/…": the Region, when it is there.
std::string RegionOf(const std::string& queue_url) {
  const auto url = net::ParseUrl(queue_url);
  if (!url) return {};
  std::string_view host = url->host;
  if (!host.starts_with("sqs.")) return {};
  host.remove_prefix(4);
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos || !host.substr(dot).starts_with(".amazonaws.com")) return {};
  return std::string(host.substr(0, dot));
}

// Scheme and authority, without a path.
std::string BaseOf(const std::string& text) {
  const auto url = net::ParseUrl(text);
  return url ? fmt::format("{}://{}", url->scheme, url->authority()) : std::string();
}

std::string Short(std::string_view text) { return ToValidUtf8(text.substr(0, kReasonBytesMax)); }

Status Wrong(std::string_view option, std::string_view why) {
  return Fail(ErrorCode::kInvalidArgument, fmt::format("source.sqs.{} {}", option, why));
}

// What AWS says of a call that failed.
Error CallError(std::string_view action, const net::HttpResponse& response) {
  std::string text = fmt::format("{}: {}", action, response.status);
  if (const auto body = json::ParseObject(response.body)) {
    std::string_view type = json::GetString(*body, "__type").value_or("");
    type.remove_prefix(std::min(type.size(), type.find('#') + 1));
    std::string_view message = json::GetString(*body, "message").value_or("");
    if (message.empty()) message = json::GetString(*body, "Message").value_or("");
    if (!type.empty()) text += fmt::format(" {}", Short(type));
    if (!message.empty()) text += fmt::format(": {}", Short(message));
  }
  return {response.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kPermissionDenied,
          std::move(text)};
}

}  // namespace

struct SqsSource::Received {
  std::string id;
  std::string receipt_handle;
  std::string body;
};

struct SqsSource::Counters {
  explicit Counters(Metrics& metrics)
      : stored(metrics.GetCounter("postglass_source_sqs_events_total",
                                  "Messages of the polled SQS queue whose event is stored")),
        calls_failed(metrics.GetCounter("postglass_source_sqs_calls_failed_total",
                                        "Calls of SQS that failed")),
        store_failed(metrics.GetCounter("postglass_source_sqs_store_failed_total",
                                        "Batches of the polled SQS queue that the store did not "
                                        "take; they come again")),
        undeleted(metrics.GetCounter("postglass_source_sqs_undeleted_total",
                                     "Messages that were stored and are still in the queue; they "
                                     "come again")) {
    for (std::size_t i = 0; i < kSnsReasonsCount; ++i) {
      refused[i] = &metrics.GetCounter(
          "postglass_intake_refused_deliveries_total",
          "Deliveries by a hook that were not believed or not taken",
          {{"hook", "sqs"}, {"reason", SnsReasonName(static_cast<SnsReason>(i))}});
    }
  }

  Counter& stored;
  Counter& calls_failed;
  Counter& store_failed;
  Counter& undeleted;
  std::array<Counter*, kSnsReasonsCount> refused{};
};

Status SqsSource::CheckOptions(const Options& options) {
  if (const auto url = net::ParseUrl(options.queue_url); !url) {
    return Wrong("queue_url", fmt::format("is no URL: {}", url.error().message));
  }
  if (!options.endpoint.empty()) {
    if (const auto url = net::ParseUrl(options.endpoint); !url) {
      return Wrong("endpoint", fmt::format("is no URL: {}", url.error().message));
    }
  }
  if (options.region.empty() && RegionOf(options.queue_url).empty()) {
    return Wrong("region", "is needed: the queue's URL does not name it");
  }
  if (options.access_key_id.empty()) return Wrong("access_key_id", "is needed");
  if (options.secret_access_key.empty()) return Wrong("secret_access_key", "is needed");
  if (options.form == Form::kEnvelope && options.topics.empty()) {
    return Wrong("topics", "is needed: only messages of topics that it names are believed");
  }
  return {};
}

SqsSource::SqsSource(Options options,
                     Intake& intake,
                     net::HttpClient& client,
                     CertificateChainChecker& chain,
                     const Clock& clock,
                     Metrics& metrics)
    : options_(std::move(options)),
      url_(BaseOf(options_.endpoint.empty() ? options_.queue_url : options_.endpoint) + "/"),
      region_(options_.region.empty() ? RegionOf(options_.queue_url) : options_.region),
      intake_(intake),
      client_(client),
      clock_(clock),
      verifier_({options_.topics, kAgeMax, "source.sqs.topics", {}}, client, chain, clock),
      counters_(std::make_unique<Counters>(metrics)) {}

SqsSource::~SqsSource() { Stop(); }

void SqsSource::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void SqsSource::RequestStop() {
  thread_.request_stop();
  wake_.NotifyAll();
}

void SqsSource::Stop() {
  RequestStop();
  if (thread_.joinable()) thread_.join();
}

std::string SqsSource::trouble() const {
  MutexLock lock(mutex_);
  return trouble_;
}

void SqsSource::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const std::chrono::nanoseconds until = PollOnce() + clock_.Monotonic();
    MutexLock lock(mutex_);
    while (!stop.stop_requested()) {
      const std::chrono::nanoseconds left = until - clock_.Monotonic();
      if (left.count() <= 0) break;
      // A stop may be asked for just before the wait begins.
      wake_.WaitFor(mutex_,
                    std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(500)));
    }
  }
}

std::chrono::milliseconds SqsSource::Troubled(std::string reason) {
  pause_ = pause_.count() == 0 ? std::chrono::milliseconds(kFirstPause)
                               : std::min<std::chrono::milliseconds>(2 * pause_, kLastPause);
  SetTrouble(std::move(reason));
  return pause_;
}

void SqsSource::SetTrouble(std::string reason) {
  {
    MutexLock lock(mutex_);
    if (trouble_ == reason) return;
    trouble_ = reason;
  }
  if (reason.empty()) {
    log::Info("sqs", "{}: polling works again", options_.queue_url);
  } else {
    log::Warn("sqs", "{}: {}", options_.queue_url, reason);
  }
}

std::chrono::milliseconds SqsSource::PollOnce() {
  const Result<std::vector<Received>> received = Receive();
  if (!received) return Troubled(received.error().message);
  std::vector<pipelines::Log> logs;
  std::vector<Received> taken;
  for (const Received& message : *received) {
    if (auto log = Read(message)) {
      logs.push_back(std::move(*log));
      taken.push_back(message);
    }
  }
  if (!logs.empty()) {
    Provenance provenance;
    provenance.verified = options_.form == Form::kRaw ? Verified::kSigV4 : Verified::kSignature;
    provenance.door = Door::kSqsSource;
    if (const auto stored = intake_.Ingest(std::move(logs), provenance); !stored) {
      counters_->store_failed.Add();
      return Troubled(fmt::format("the store does not take events: {}", stored.error().message));
    }
    counters_->stored.Add(static_cast<double>(taken.size()));
    Delete(taken);
  }
  pause_ = {};
  SetTrouble({});
  return {};
}

Result<json::object> SqsSource::Call(std::string_view action, const json::object& body) {
  net::HttpClient::Request plain;
  plain.method = "POST";
  plain.url = url_;
  plain.body = json::Serialize(body);
  plain.headers.Add("Content-Type", "application/x-amz-json-1.0");
  plain.headers.Add("X-Amz-Target", fmt::format("AmazonSQS.{}", action));
  plain.timeout = kWait + kCallTimeout;
  plain.response_bytes_max = kAnswerBytesMax;
  ASSIGN_OR_RETURN(const net::HttpClient::Request request,
                   aws::Sign(std::move(plain),
                             {options_.access_key_id, options_.secret_access_key},
                             {region_, "sqs"},
                             clock_.Now()));
  const Result<net::HttpResponse> response = client_.Send(request);
  if (!response || response->status != 200) counters_->calls_failed.Add();
  if (!response) {
    return Fail(response.error().code, fmt::format("{}: {}", action, response.error().message));
  }
  if (response->status != 200) return Fail(CallError(action, *response));
  return json::ParseObject(response->body.empty() ? "{}" : response->body);
}

Result<std::vector<SqsSource::Received>> SqsSource::Receive() {
  ASSIGN_OR_RETURN(const json::object answer,
                   Call("ReceiveMessage",
                        {{"QueueUrl", options_.queue_url},
                         {"MaxNumberOfMessages", kMessagesMax},
                         {"WaitTimeSeconds", static_cast<std::int64_t>(kWait.count())}}));
  std::vector<Received> received;
  const json::array* messages = json::GetArray(answer, "Messages");
  if (messages == nullptr) return received;
  for (const json::value& entry : *messages) {
    const json::object* message = entry.if_object();
    if (message == nullptr || received.size() == kMessagesMax) break;
    Received one{json::GetStringOr(*message, "MessageId", ""),
                 json::GetStringOr(*message, "ReceiptHandle", ""),
                 json::GetStringOr(*message, "Body", "")};
    if (!one.receipt_handle.empty()) received.push_back(std::move(one));
  }
  return received;
}

std::optional<pipelines::Log> SqsSource::Read(const Received& message) {
  auto parsed = json::ParseObject(message.body);
  if (options_.form == Form::kRaw) {
    json::object entry =
        parsed ? *std::move(parsed) : json::object{{"message", ToValidUtf8(message.body)}};
    RequestDefaults defaults;
    defaults.source = IsSesEvent(entry) ? "ses" : "sqs";
    return Preprocess(std::move(entry), defaults, clock_.Now());
  }
  std::optional<SnsRefused> refused;
  json::object envelope;
  if (!parsed) {
    refused = SnsRefused{
        SnsReason::kMalformed,
        fmt::format("no envelope of SNS ({}); for raw message delivery set source.sqs.raw",
                    parsed.error().message)};
  } else {
    envelope = *std::move(parsed);
    const std::string_view type = json::GetString(envelope, "Type").value_or("");
    if (type != "Notification") {
      refused = SnsRefused{SnsReason::kType, fmt::format("Type is \"{}\"", Short(type))};
    } else {
      refused = verifier_.Check(envelope);
    }
  }
  if (!refused) return SnsLog(envelope, {}, clock_.Now());
  Refuse(message, envelope, *refused);
  return std::nullopt;
}

void SqsSource::Refuse(const Received& message,
                       const json::object& envelope,
                       const SnsRefused& refused) {
  counters_->refused[static_cast<std::size_t>(refused.reason)]->Add();
  Refusal kept;
  kept.at = clock_.Now();
  kept.reason = SnsReasonName(refused.reason);
  kept.detail = refused.detail;
  kept.type = json::GetStringOr(envelope, "Type", "");
  kept.topic_arn = json::GetStringOr(envelope, "TopicArn", "");
  kept.message_id = message.id;
  log::Debug("sqs", "refused a message: {}: {}", kept.reason, kept.detail);
  refusals_.Add(std::move(kept));
}

// Trouble here loses nothing: what stays in the queue comes again and is recognised.
void SqsSource::Delete(const std::vector<Received>& messages) {
  json::array entries;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    entries.push_back(
        json::object{{"Id", std::to_string(i)}, {"ReceiptHandle", messages[i].receipt_handle}});
  }
  const auto answer = Call("DeleteMessageBatch",
                           {{"QueueUrl", options_.queue_url}, {"Entries", std::move(entries)}});
  if (!answer) {
    counters_->undeleted.Add(static_cast<double>(messages.size()));
    log::Warn("sqs", "stored, but not deleted: {}", answer.error().message);
    return;
  }
  const json::array* failed = json::GetArray(*answer, "Failed");
  if (failed != nullptr) counters_->undeleted.Add(static_cast<double>(failed->size()));
}

}  // namespace postglass::intake
