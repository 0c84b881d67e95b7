#include "intake/firehose_hook.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/json.h"
#include "intake/body.h"
#include "intake/preprocess.h"

namespace postglass::intake {
namespace {

constexpr std::string_view kRequestId = "X-Amz-Firehose-Request-Id";
constexpr std::size_t kRequestIdCharactersMax = 200;

// The records' data, one behind the other, each ended by a line feed.
Result<std::string> ReadRecords(const json::object& body, std::size_t records_max) {
  const json::array* records = json::GetArray(body, "records");
  if (records == nullptr || records->empty()) {
    return Fail(ErrorCode::kInvalidArgument, "records is missing or empty");
  }
  if (records->size() > records_max) {
    return Fail(ErrorCode::kLimit, fmt::format("more than {} records", records_max));
  }
  std::string all;
  for (std::size_t i = 0; i < records->size(); ++i) {
    const json::object* record = (*records)[i].if_object();
    const auto text = record == nullptr ? std::nullopt : json::GetString(*record, "data");
    const std::optional<std::string> data = text ? Base64Decode(*text) : std::nullopt;
    if (!data) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("record {} has no base64 data", i));
    }
    all += *data;
    if (!all.ends_with('\n')) all += '\n';
  }
  return all;
}

}  // namespace

FirehoseHook::FirehoseHook(const access::KeyVerifier& keys,
                           Intake& intake,
                           const Clock& clock,
                           Metrics& metrics)
    : keys_(keys),
      intake_(intake),
      clock_(clock),
      taken_(metrics.GetCounter("postglass_hooks_firehose_events_total",
                                "Events taken from delivery streams by /hooks/firehose")),
      refused_(metrics.GetCounter("postglass_hooks_firehose_refused_total",
                                  "Requests that /hooks/firehose did not take")) {}

net::HttpResponse FirehoseHook::Answer(int status,
                                       const net::HttpRequest& request,
                                       std::string_view error) const {
  if (status != 200) refused_.Add();
  json::object body{
      {"requestId",
       ToValidUtf8(request.headers.Get(kRequestId).substr(0, kRequestIdCharactersMax))},
      {"timestamp", clock_.Now().millis()}};
  if (!error.empty()) body["errorMessage"] = ToValidUtf8(error);
  return net::JsonResponse(status, json::Serialize(body));
}

net::HttpResponse FirehoseHook::Handle(const net::HttpRequest& request) {
  if (request.method != "POST") return Answer(405, request, "only POST");
  if (!keys_.IsApiKey(request.headers.Get("X-Amz-Firehose-Access-Key"))) {
    return Answer(401, request, "X-Amz-Firehose-Access-Key is no API key");
  }
  const std::string_view id = request.headers.Get(kRequestId);
  if (id.empty() || id.size() > kRequestIdCharactersMax) {
    return Answer(400, request, "X-Amz-Firehose-Request-Id is missing or too long");
  }
  std::string inflated;
  std::string_view text = request.body;
  if (const auto coding = request.headers.Find("Content-Encoding")) {
    Result<std::string> decoded = net::DecodeContent(*coding, request.body, kBodyBytesMax);
    if (!decoded) {
      const bool large = decoded.error().code == ErrorCode::kLimit;
      return Answer(large ? 413 : 400, request, decoded.error().message);
    }
    inflated = std::move(*decoded);
    text = inflated;
  }
  if (text.size() > kBodyBytesMax) return Answer(413, request, "the body is too large");
  const Result<json::object> body = json::ParseObject(text);
  if (!body) return Answer(400, request, body.error().message);
  if (json::GetStringOr(*body, "requestId", "") != id) {
    return Answer(400, request, "requestId is not that of the header");
  }
  const Result<std::string> records = ReadRecords(*body, kRecordsMax);
  if (!records) {
    return Answer(
        records.error().code == ErrorCode::kLimit ? 413 : 400, request, records.error().message);
  }
  const boost::json::storage_ptr storage;
  Result<DecodedBody> decoded = DecodeBody(*records, storage);
  if (!decoded) {
    return Answer(
        decoded.error().code == ErrorCode::kLimit ? 413 : 400, request, decoded.error().message);
  }
  // What is no log of ours would be sent again for ever: it is left out, counted.
  for (std::size_t i = 0; i < decoded->bad.size(); ++i) refused_.Add();
  std::vector<pipelines::Log> logs;
  for (json::object& entry : decoded->logs) {
    RequestDefaults defaults;
    defaults.source = IsSesEvent(entry) ? "ses" : "firehose";
    logs.push_back(Preprocess(std::move(entry), defaults, clock_.Now()));
  }
  if (logs.empty()) return Answer(200, request);
  const std::size_t count = logs.size();
  Provenance provenance;
  provenance.verified = Verified::kSharedSecret;
  provenance.door = Door::kFirehoseHook;
  if (const auto stored = intake_.Ingest(std::move(logs), provenance); !stored) {
    return Answer(503, request, stored.error().message);
  }
  taken_.Add(static_cast<double>(count));
  return Answer(200, request);
}

}  // namespace postglass::intake
