#include "intake/intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/log.h"
#include "intake/body.h"
#include "intake/dedup.h"
#include "intake/limits.h"
#include "intake/preprocess.h"
#include "intake/replies.h"
#include "intake/truncate.h"
#include "pipelines/masking.h"
#include "pipelines/string_builder.h"
#include "pipelines/tree.h"

namespace postglass::intake {
namespace {

constexpr std::string_view kV2Path = "/api/v2/logs";
constexpr std::string_view kV1Path = "/v1/input";
constexpr std::string_view kValidatePath = "/api/v1/validate";
constexpr std::size_t kApiKeyBytes = 32;
constexpr std::size_t kArenaBytes = 16 << 10;  // first block of a request's JSON trees

enum class Reason {
  kNoKey,
  kBadKey,
  kMalformed,
  kBadCoding,
  kTooLarge,
  kBadLog,
  kOverload,
  kStoreUnavailable,
};
constexpr std::array<std::string_view, 8> kReasonNames = {"no_key",
                                                          "bad_key",
                                                          "malformed",
                                                          "bad_coding",
                                                          "too_large",
                                                          "bad_log",
                                                          "overload",
                                                          "store_unavailable"};

// Sources come from clients; as a label of metrics only these are told apart.
constexpr std::array<std::string_view, 4> kSourceLabels = {"sns", "ses", "amazon_ses", "other"};

std::size_t SourceLabel(std::string_view source) {
  const auto found = std::find(kSourceLabels.begin(), kSourceLabels.end() - 1, source);
  return static_cast<std::size_t>(found - kSourceLabels.begin());
}

// The part of the path behind "/api/v2/logs/" or "/v1/input/".
std::string_view KeyInPath(std::string_view path, std::string_view base) {
  if (!path.starts_with(base) || path.size() <= base.size() || path[base.size()] != '/') return {};
  return path.substr(base.size() + 1);
}

using Params = std::vector<std::pair<std::string, std::string>>;

std::string FirstParam(const Params& params, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const auto found = net::FindParam(params, name); found && !found->empty()) {
      return std::string(*found);
    }
  }
  return {};
}

Params QueryOf(const net::HttpRequest& request) {
  auto params = net::ParseForm(request.query());
  return params ? *std::move(params) : Params();
}

// The key, from every place where clients put it; empty when there is none.
std::string KeyOf(const net::HttpRequest& request, const Params& params) {
  if (const auto header = request.headers.Find("DD-API-KEY"); header && !header->empty()) {
    return std::string(*header);
  }
  if (std::string key = FirstParam(params, {"dd-api-key", "api_key"}); !key.empty()) return key;
  for (const std::string_view base : {kV2Path, kV1Path}) {
    if (const auto key = KeyInPath(request.path(), base); !key.empty()) return std::string(key);
  }
  return {};
}

std::string HeaderText(const net::HttpRequest& request, std::string_view name) {
  return std::string(pipelines::CutUtf8(request.headers.Get(name), kOriginBytesMax));
}

// Holds a share of the bytes in flight while a request is handled.
class InFlight {
 public:
  InFlight(std::atomic<std::size_t>& total, std::size_t bytes) : total_(total), bytes_(bytes) {
    fits_ = total_.fetch_add(bytes_) + bytes_ <= kInFlightBytesMax;
  }

  ~InFlight() { total_.fetch_sub(bytes_); }

  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

  bool fits() const { return fits_; }

 private:
  std::atomic<std::size_t>& total_;
  std::size_t bytes_;
  bool fits_ = false;
};

void WriteOrigin(const Provenance& provenance, pipelines::Log& log) {
  // A log whose own `event` is a text keeps it; the mark then has no place.
  json::value& event = log.attributes["event"];
  if (event.is_null()) event.emplace_object();
  if (event.is_object()) event.get_object()["verified"] = VerifiedName(provenance.verified);

  if (provenance.origin.empty()) return;
  json::value& ingest = log.attributes["ingest"];
  if (ingest.is_null()) ingest.emplace_object();
  if (!ingest.is_object()) return;
  ingest.get_object()["origin"] = provenance.origin;
  if (!provenance.origin_version.empty()) {
    ingest.get_object()["origin_version"] = provenance.origin_version;
  }
  if (!provenance.storage_tag.empty()) ingest.get_object()["storage_tag"] = provenance.storage_tag;
}

}  // namespace

struct Intake::Counters {
  explicit Counters(Metrics& metrics) {
    for (std::size_t i = 0; i < kDoorsCount; ++i) {
      events[i] = &metrics.GetCounter("postglass_intake_events_total",
                                      "Events taken, duplicates included",
                                      {{"door", DoorName(static_cast<Door>(i))}});
    }
    for (std::size_t i = 0; i < kReasonNames.size(); ++i) {
      rejected[i] = &metrics.GetCounter("postglass_intake_rejected_total",
                                        "Requests and single logs turned down",
                                        {{"reason", kReasonNames[i]}});
    }
    for (std::size_t i = 0; i < kSourceLabels.size(); ++i) {
      duplicates[i] = &metrics.GetCounter("postglass_intake_duplicates_total",
                                          "Events left out because they were stored before",
                                          {{"source", kSourceLabels[i]}});
    }
    pipeline_errors = &metrics.GetCounter("postglass_pipelines_errors_total",
                                          "Processors that failed on an event, which was kept");
  }

  void Reject(Reason reason, std::size_t count = 1) const {
    rejected[static_cast<std::size_t>(reason)]->Add(static_cast<double>(count));
  }

  std::array<Counter*, kDoorsCount> events{};
  std::array<Counter*, kReasonNames.size()> rejected{};
  std::array<Counter*, kSourceLabels.size()> duplicates{};
  Counter* pipeline_errors = nullptr;
};

// One request to submit, as far as its target and headers tell.
struct Intake::Caller {
  Version version = Version::kV2;
  RequestDefaults defaults;
  Provenance provenance;
};

Intake::Intake(const access::KeyVerifier& keys,
               const pipelines::Engine& engine,
               store::LogStore& store,
               const Clock& clock,
               Random& random,
               Metrics& metrics,
               Options options)
    : keys_(keys),
      engine_(engine),
      store_(store),
      clock_(clock),
      options_(options),
      counters_(std::make_unique<Counters>(metrics)) {
  random.Fill(std::as_writable_bytes(std::span(run_)));
}

Intake::~Intake() = default;

bool Intake::Handles(const net::HttpRequest& request) {
  const std::string_view path = request.path();
  if (path == kV2Path || path == kV1Path || path == kValidatePath) return true;
  if (!KeyInPath(path, kV1Path).empty()) return true;
  // /api/v2/logs/events and its like belong to the search API; a key has its own length.
  const std::string_view key = KeyInPath(path, kV2Path);
  return key.size() == kApiKeyBytes && key.find('/') == std::string_view::npos;
}

net::HttpResponse Intake::Handle(const net::HttpRequest& request) {
  const std::string_view path = request.path();
  if (path == kValidatePath) return Validate(request);

  Caller caller;
  caller.version = path.starts_with(kV1Path) ? Version::kV1 : Version::kV2;
  if (request.method != "POST") {
    net::HttpResponse response = ErrorReply(caller.version, 405, "only POST is supported here");
    response.headers.Add("Allow", "POST");
    return response;
  }
  const Params params = QueryOf(request);
  const std::string key = KeyOf(request, params);
  if (key.empty()) {
    counters_->Reject(Reason::kNoKey);
    return ErrorReply(caller.version, 401, "no API key: send it in the header DD-API-KEY");
  }
  if (!keys_.IsApiKey(key)) {
    counters_->Reject(Reason::kBadKey);
    return ErrorReply(caller.version, 403, "the API key is not valid here");
  }
  caller.defaults.source = FirstParam(params, {"ddsource", "source"});
  caller.defaults.service = FirstParam(params, {"service"});
  caller.defaults.host = FirstParam(params, {"host", "hostname"});
  caller.defaults.tags = SplitTags(FirstParam(params, {"ddtags"}));
  caller.provenance.verified = Verified::kSharedSecret;
  caller.provenance.door = caller.version == Version::kV1 ? Door::kApiV1 : Door::kApiV2;
  caller.provenance.origin = HeaderText(request, "DD-EVP-ORIGIN");
  caller.provenance.origin_version = HeaderText(request, "DD-EVP-ORIGIN-VERSION");
  caller.provenance.storage_tag = HeaderText(request, "DD-STORAGE-TAG");
  return Submit(request, caller);
}

net::HttpResponse Intake::Validate(const net::HttpRequest& request) {
  const std::string key = KeyOf(request, QueryOf(request));
  if (keys_.IsApiKey(key)) return net::JsonResponse(200, R"({"valid":true})");
  counters_->Reject(key.empty() ? Reason::kNoKey : Reason::kBadKey);
  return net::JsonResponse(
      403, key.empty() ? R"({"errors":["API key required"]})" : R"({"errors":["Forbidden"]})");
}

net::HttpResponse Intake::Submit(const net::HttpRequest& request, const Caller& caller) {
  const InFlight in_flight(in_flight_bytes_, request.body.size());
  if (!in_flight.fits()) {
    counters_->Reject(Reason::kOverload);
    return ErrorReply(caller.version, 429, "too many requests at once");
  }
  std::string inflated;
  std::string_view body = request.body;
  if (const auto coding = request.headers.Get("Content-Encoding"); !coding.empty()) {
    auto decoded = net::DecodeContent(coding, request.body, kBodyBytesMax);
    if (!decoded) {
      const bool too_large = decoded.error().code == ErrorCode::kLimit;
      counters_->Reject(too_large ? Reason::kTooLarge : Reason::kBadCoding);
      return ErrorReply(caller.version, too_large ? 413 : 400, decoded.error().message);
    }
    inflated = *std::move(decoded);
    body = inflated;
  }
  if (body.size() > kBodyBytesMax) {
    counters_->Reject(Reason::kTooLarge);
    return ErrorReply(
        caller.version, 413, fmt::format("the body has more than {} bytes", kBodyBytesMax));
  }
  // One arena for all trees of the request: what is parsed is freed at once, at its end.
  boost::json::monotonic_resource arena(kArenaBytes);
  auto decoded = DecodeBody(body, boost::json::storage_ptr(&arena));
  if (!decoded) {
    const bool too_large = decoded.error().code == ErrorCode::kLimit;
    counters_->Reject(too_large ? Reason::kTooLarge : Reason::kMalformed);
    return ErrorReply(caller.version, too_large ? 413 : 400, decoded.error().message);
  }
  if (!decoded->bad.empty()) {
    counters_->Reject(Reason::kBadLog, decoded->bad.size());
    log::Info("intake",
              "{} of {} logs of a request were turned down; log {}: {}",
              decoded->bad.size(),
              decoded->bad.size() + decoded->logs.size(),
              decoded->bad.front().index,
              decoded->bad.front().reason);
    if (decoded->logs.empty()) return AllBadReply(caller.version, decoded->bad);
  }
  const Timestamp now = clock_.Now();
  std::vector<pipelines::Log> logs;
  logs.reserve(decoded->logs.size());
  for (json::object& entry : decoded->logs) {
    logs.push_back(Preprocess(std::move(entry), caller.defaults, now));
  }
  const auto result = Ingest(std::move(logs), caller.provenance);
  if (result) return AcceptedReply(caller.version, decoded->bad);
  if (result.error().code == ErrorCode::kLimit) {
    return ErrorReply(caller.version, 413, result.error().message);
  }
  return ErrorReply(caller.version, 503, result.error().message);
}

std::array<std::uint8_t, 10> Intake::UniqueBytes(std::uint32_t number) const {
  std::array<std::uint8_t, 10> bytes{};
  std::copy(run_.begin(), run_.end(), bytes.begin());
  for (std::size_t i = bytes.size(); i-- > run_.size(); number >>= 8) {
    bytes[i] = static_cast<std::uint8_t>(number);
  }
  return bytes;
}

Result<IngestResult> Intake::Ingest(std::vector<pipelines::Log> logs,
                                    const Provenance& provenance) {
  if (logs.empty()) return IngestResult();
  const Timestamp now = clock_.Now();
  // Ids of one batch follow each other, so that its order survives equal timestamps.
  std::uint32_t number = next_number_.fetch_add(static_cast<std::uint32_t>(logs.size()));

  std::vector<std::size_t> source_labels;
  source_labels.reserve(logs.size());
  std::vector<store::NewEvent> batch;
  batch.reserve(logs.size());
  for (pipelines::Log& log : logs) {
    source_labels.push_back(SourceLabel(log.source));
    batch.push_back(MakeEvent(std::move(log), provenance, now));
    batch.back().event.id = store::EventId::Make(now.millis(), UniqueBytes(number++));
  }
  const std::size_t count = batch.size();
  const auto appended = store_.Append(std::move(batch));
  if (!appended) {
    counters_->Reject(Reason::kStoreUnavailable);
    if (!store_failing_.exchange(true)) {
      log::Error("intake", "events are turned away: {}", appended.error().message);
    }
    return Fail(appended.error());
  }
  if (store_failing_.exchange(false)) log::Info("intake", "events are taken again");
  counters_->events[static_cast<std::size_t>(provenance.door)]->Add(static_cast<double>(count));
  if (appended->duplicates > 0) {
    for (std::size_t i = 0; i < count && i < appended->was_duplicate.size(); ++i) {
      if (appended->was_duplicate[i]) counters_->duplicates[source_labels[i]]->Add();
    }
  }
  return IngestResult{appended->stored, appended->duplicates};
}

store::NewEvent Intake::MakeEvent(pipelines::Log log, const Provenance& provenance, Timestamp now) {
  const std::size_t failed = engine_.Process(log, now);
  if (failed > 0) counters_->pipeline_errors->Add(static_cast<double>(failed));
  store::NewEvent made;
  made.dedup_key = DedupKeyOf(log, provenance.verified);
  WriteOrigin(provenance, log);
  if (options_.masking) pipelines::MaskSecrets(log);

  store::Event& event = made.event;
  event.timestamp_ms = log.timestamp_ms.value_or(now.millis());
  event.ingested_at_ms = now.millis();
  event.message = std::move(log.message);
  if (!log.status.empty()) event.status = std::move(log.status);
  event.service = std::move(log.service);
  event.source = std::move(log.source);
  event.host = std::move(log.host);
  event.tags = std::move(log.tags);
  event.attributes = json::Serialize(log.attributes);
  TruncateLog(event, kLogBytesMax);
  return made;
}

}  // namespace postglass::intake
