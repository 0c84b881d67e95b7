#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/file_system.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "functions/code_store.h"
#include "functions/process_sandbox.h"
#include "net/http_server.h"

// The forwarder of forwarder.zip under our Runtime API, in a process of its own, sending to an
// intake on loopback that takes everything: FORWARDER_ZIP=build/forwarder.zip functions_bench.

namespace {

using namespace postglass;

constexpr std::string_view kEvent =
    R"({"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"1","Message":"{}"}}]})";

// What a run needs; `error` says why there is none.
struct Setup {
  Setup() {
    log::SetLevel(log::Level::kError);
    const char* zip = std::getenv("FORWARDER_ZIP");  // NOLINT(concurrency-mt-unsafe): one thread
    const auto archive = zip == nullptr ? Result<std::string>(Fail(ErrorCode::kNotFound, "unset"))
                                        : fs.ReadFile(zip);
    if (!archive) {
      error = "FORWARDER_ZIP: " + archive.error().message;
      return;
    }
    std::string pattern = std::filesystem::temp_directory_path() / "functions-bench-XXXXXX";
    root = mkdtemp(pattern.data());
    code = std::make_unique<functions::CodeStore>(
        fs, random, functions::CodeStore::Options{root / "functions", root / "unpacked"});
    const auto kept = code->Put(*archive);
    if (!kept) {
      error = kept.error().message;
      return;
    }
    function.name = "forwarder";
    function.arn = functions::FunctionArn({}, "forwarder");
    function.timeout_seconds = 30;
    function.code = *kept;
    server = *net::HttpServer::Create(
        {}, [](const net::HttpRequest&) { return net::JsonResponse(202, "{}"); }, metrics);
    const int port = *server->Listen({"127.0.0.1", 0}, nullptr);
    server->Start();
    launch = *functions::PlanLaunch(function,
                                    {},
                                    fs,
                                    *code->DirectoryOf(*kept),
                                    {},
                                    {{"DD_API_KEY", std::string(32, '0')},
                                     {"DD_URL", "127.0.0.1"},
                                     {"DD_PORT", std::to_string(port)},
                                     {"DD_NO_SSL", "true"}});
  }

  ~Setup() {
    server.reset();
    if (!root.empty()) std::filesystem::remove_all(root);
  }

  std::unique_ptr<functions::ProcessSandbox> Start() {
    return *functions::ProcessSandbox::Create(function, {launch, {}}, clock, random, metrics);
  }

  std::string error;
  PosixFileSystem fs;
  const SystemClock clock;
  SystemRandom random;
  Metrics metrics;
  Path root;
  std::unique_ptr<functions::CodeStore> code;
  functions::Function function;
  std::unique_ptr<net::HttpServer> server;
  functions::Launch launch;
};

// From nothing to the answer of the first invocation; ending the process is not counted.
void BM_ForwarderColdStart(benchmark::State& state) {
  Setup setup;
  if (!setup.error.empty()) return state.SkipWithError(setup.error.c_str());
  for (auto _ : state) {
    auto sandbox = setup.Start();
    const auto reply = sandbox->Invoke(std::string(kEvent), "id");
    state.PauseTiming();
    if (!reply.succeeded) state.SkipWithError(reply.error_message.c_str());
    benchmark::DoNotOptimize(reply);
    sandbox.reset();
    state.ResumeTiming();
  }
}

BENCHMARK(BM_ForwarderColdStart)->Unit(benchmark::kMillisecond)->UseRealTime();

void BM_ForwarderWarm(benchmark::State& state) {
  Setup setup;
  if (!setup.error.empty()) return state.SkipWithError(setup.error.c_str());
  const auto sandbox = setup.Start();
  for (auto _ : state) {
    const auto reply = sandbox->Invoke(std::string(kEvent), "id");
    if (!reply.succeeded) state.SkipWithError(reply.error_message.c_str());
    benchmark::DoNotOptimize(reply);
  }
}

BENCHMARK(BM_ForwarderWarm)->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
