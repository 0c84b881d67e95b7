// Answers of SQS to the polling source: a message is deleted only when its event was stored,
// nothing without a proven signature is believed, and no answer ends the process.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "access/keys.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "intake/sqs_source.h"
#include "store/oracle_store.h"

namespace {

using namespace postglass;

class NoKeys final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view) const override { return false; }

  bool IsApplicationKey(std::string_view) const override { return false; }
};

// The input is the answer to every call.
class OneAnswer final : public net::HttpClient {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {}

  Result<net::HttpResponse> Send(const Request& request) override {
    deleted = deleted || request.headers.Get("X-Amz-Target") == "AmazonSQS.DeleteMessageBatch";
    return net::TextResponse(200, answer_);
  }

  bool deleted = false;

 private:
  const std::string answer_;
};

class Untrusting final : public intake::CertificateChainChecker {
 public:
  Status Check(const std::string&, const std::vector<std::string>&, Timestamp) override {
    return Fail(ErrorCode::kPermissionDenied, "no path");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const NoKeys keys;
  const pipelines::Engine engine({});
  const SystemClock clock;
  SystemRandom random;
  for (const auto form : {intake::SqsSource::Form::kEnvelope, intake::SqsSource::Form::kRaw}) {
    store::OracleStore store;
    Metrics metrics;
    intake::Intake intake(keys, engine, store, clock, random, metrics, {});
    OneAnswer client(std::string(reinterpret_cast<const char*>(data), size));
    Untrusting chain;
    intake::SqsSource::Options options;
    options.queue_url = "https://sqs.us-west-2.amazonaws.com/131990247566/events";
    options.access_key_id = "AKIDEXAMPLE";
    options.secret_access_key = "secret";
    options.topics = {"arn:aws:sns:us-west-2:131990247566:dongie-standard-topic"};
    options.form = form;
    intake::SqsSource source(options, intake, client, chain, clock, metrics);
    static_cast<void>(source.PollOnce());
    const double stored = metrics.GetCounter("postglass_source_sqs_events_total", "").value();
    if (client.deleted != (stored > 0)) std::abort();
    if (form == intake::SqsSource::Form::kEnvelope && stored > 0) std::abort();
  }
  return 0;
}
