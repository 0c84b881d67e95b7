// Deliveries at /hooks/sns: nothing without a proven signature is ever believed. The certificate
// server hands out what no root has signed, so every input must be refused.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "access/keys.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "intake/sns_hook.h"
#include "store/oracle_store.h"

namespace {

using namespace postglass;

class NoKeys final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view) const override { return false; }

  bool IsApplicationKey(std::string_view) const override { return false; }
};

class EmptyAnswers final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request&) override { return net::TextResponse(200, "x"); }
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
  store::OracleStore store;
  const SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  intake::Intake intake(keys, engine, store, clock, random, metrics, {});
  EmptyAnswers client;
  Untrusting chain;
  intake::SnsHook hook({{"arn:aws:sns:us-west-2:131990247566:dongie-standard-topic"}},
                       intake,
                       client,
                       chain,
                       clock,
                       metrics);
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/hooks/sns";
  request.body.assign(reinterpret_cast<const char*>(data), size);
  for (const char* type : {"Notification", "SubscriptionConfirmation"}) {
    request.headers.Set("x-amz-sns-message-type", type);
    if (hook.Handle(request).status == 200) std::abort();
  }
  static_cast<void>(intake::CheckSigningCertificateUrl(request.body).has_value());
  return 0;
}
