#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"
#include "functions/lambda_api.h"
#include "functions/runtime_api.h"
#include "functions/zip_archive.h"

// What reaches the Lambda host from outside. The first line is "METHOD TARGET", all behind it the
// body: a request of the Lambda API as any authenticated client may send it, or, with the method
// "runtime", one of the Runtime API as a function may send it. "zip" is a function's archive. No
// request makes the service fail: 4xx or 2xx; no archive puts a file outside of its directory.

namespace {

using namespace postglass;

class NoEndpoint final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request&) override {
    return Fail(ErrorCode::kUnavailable, "nobody is there");
  }
};

void ReadArchive(std::string_view bytes) {
  const functions::ZipLimits limits{100, 1 << 16, 1 << 18, 256};
  std::uint64_t total = 0;
  const Status read =
      functions::ReadZip(bytes, limits, [&](const functions::ZipEntry& entry) -> Status {
        const Path path = (Path("/root") / entry.path).lexically_normal();
        CHECK(path.string().starts_with("/root/"));
        total += entry.content.size();
        CHECK(total <= limits.bytes_max);
        return {};
      });
  static_cast<void>(read.has_value());
}

void AskRuntimeApi(net::HttpRequest http) {
  const ManualClock clock;
  SeededRandom random(1);
  functions::RuntimeApi api("arn:aws:lambda:us-east-1:000000000000:function:f", clock, random);
  const std::string token = api.StartSandbox();
  api.Stop();  // nobody waits in `next`
  http.method = "POST";
  http.target = "/" + token + http.target;
  CHECK(api.Handle(http).status < 500);
}

void AskLambda(net::HttpRequest http) {
  FaultyFileSystem fs;
  ManualClock clock;
  SeededRandom random(1);
  Metrics metrics;
  MemorySettings settings;
  const SecretBox box = *SecretBox::Open(fs, random, "/key");
  const auto registry = *functions::FunctionRegistry::Load(settings, box, clock, random);
  CHECK(registry->Put(functions::MakeForwarder({}, "0123456789abcdef0123456789abcdef", "arn:t")));
  NoEndpoint endpoint;
  functions::Host host({}, *registry, endpoint, endpoint, clock, random, metrics);
  const auto queue = *functions::AsyncQueue::Create(
      {host, *registry, fs, clock, random, metrics, box}, {.dir = "/async"});
  functions::CodeStore code(fs, random, {.archives = "/functions", .unpacked = "/unpacked"});
  functions::LambdaApi api({}, *registry, host, *queue, &code, clock);
  static_cast<void>(api.ActionOf(http));
  const net::HttpResponse response = net::AwaitAnswer(api.Handle({http, {}, "id"}));
  CHECK(response.status < 500 || response.status == 503);  // 503: the disk that knows no modes
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  log::SetLevel(log::Level::kError);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::size_t blank = std::min(input.find(' '), line);
  const std::string_view method = input.substr(0, blank);
  const std::string_view body = input.substr(std::min(line + 1, input.size()));
  if (method == "zip") {
    ReadArchive(body);
    return 0;
  }
  net::HttpRequest http;
  http.method = method;
  http.target = input.substr(std::min(blank + 1, line), line - std::min(blank + 1, line));
  http.body = body;
  if (method == "runtime") {
    AskRuntimeApi(std::move(http));
  } else {
    AskLambda(std::move(http));
  }
  return 0;
}
