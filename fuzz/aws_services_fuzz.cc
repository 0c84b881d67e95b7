#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "access/iam_api.h"
#include "access/sessions.h"
#include "base/check.h"
#include "base/log.h"
#include "cloudwatch/cloudwatch_api.h"
#include "queues/message_record.h"
#include "queues/queues_harness_testing.h"
#include "streams/firehose_api.h"

// Requests to SQS, CloudWatch, Firehose and IAM as any authenticated client may send them. The
// first line is "SERVICE OPERATION" (JSON protocol) or "SERVICE" (query protocol), all behind it
// the body. No request makes the service fail: 4xx or 2xx. "record" is a record of the queues'
// journal.

namespace {

using namespace postglass;

class NoEndpoint final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request&) override {
    return Fail(ErrorCode::kUnavailable, "nobody is there");
  }
};

net::HttpResponse Handle(aws::Service& service, const net::HttpRequest& http) {
  static_cast<void>(service.ActionOf(http));
  return net::AwaitAnswer(service.Handle({http, {"AKIA", "secret", "alice", {"*"}}, "id"}));
}

net::HttpResponse Ask(std::string_view service, net::HttpRequest http, std::string_view operation) {
  const auto target = [&](std::string_view prefix) {
    if (operation.empty()) return;
    http.headers.Add("X-Amz-Target", std::string(prefix) + std::string(operation));
  };
  queues::QueuesHarness t;
  if (service == "monitoring") {
    target("GraniteServiceVersion20100801.");
    const auto store = *cloudwatch::MetricStore::Create({t.fs, t.clock, t.metrics}, {.dir = "/m"});
    cloudwatch::CloudWatchApi api(*store, t.clock);
    return Handle(api, http);
  }
  if (service == "firehose") {
    target("Firehose_20150804.");
    NoEndpoint endpoint;
    const auto streams = *streams::StreamService::Create(
        {t.settings, t.fs, t.clock, t.random, t.metrics, *t.box, endpoint},
        {.dir = "/streams", .files = "/files", .account = {}});
    streams::FirehoseApi api(*streams);
    return Handle(api, http);
  }
  if (service == "iam" || service == "sts") {
    const auto keys = *access::KeyRing::Load(t.settings, *t.box, t.clock, t.random);
    const auto store = *access::IamStore::Load(t.settings, {});
    access::Sessions sessions(*store, *t.box, t.clock, t.random);
    CHECK(!sessions.Find("ASIA", http.body).credential);  // nobody makes a token up
    access::IamApi iam(*store, *keys, t.clock, t.random);
    aws::StsService sts({}, &sessions);
    return Handle(service == "iam" ? static_cast<aws::Service&>(iam) : sts, http);
  }
  target("AmazonSQS.");
  t.MakeQueue("q");
  t.Put("q", "message");
  t.service->EndWaits();
  return Handle(*t.api, http);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log::SetLevel(log::Level::kError);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::size_t blank = std::min(input.find(' '), line);
  const std::string_view service = input.substr(0, blank);
  const std::string_view operation =
      input.substr(std::min(blank + 1, line), line - std::min(blank + 1, line));
  const std::string_view body = input.substr(std::min(line + 1, input.size()));
  if (service == "record") {
    const Result<queues::StoreRecord> record = queues::DecodeRecord(body);
    if (record) {
      // What is read can be written, and is read the same again.
      const Result<queues::StoreRecord> again = queues::DecodeRecord(queues::EncodeRecord(*record));
      CHECK(again.has_value());
      CHECK(*again == *record);
    }
    return 0;
  }
  net::HttpRequest http;
  http.method = "POST";
  http.target = "/";
  http.headers = {{"Host", "localhost"}};
  if (operation.empty()) {
    http.headers.Add("Content-Type", "application/x-www-form-urlencoded");
  }
  http.body = std::string(body);
  http.peer_address = "192.0.2.0";
  const net::HttpResponse response = Ask(service, http, operation);
  CHECK(response.status >= 200 && response.status < 500);
  return 0;
}
