#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random_testing.h"
#include "base/secret_box.h"
#include "base/settings_testing.h"
#include "functions/function_registry.h"
#include "functions/host.h"
#include "net/http_client.h"

namespace postglass::functions {

inline constexpr std::string_view kTestTopic = "arn:aws:sns:us-east-1:000000000000:mail-events";
inline constexpr std::string_view kTestApiKey = "0123456789abcdef0123456789abcdef";

// A directory of its own on the real disk, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = testing::TempDir() + "/postglass-functions-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }

  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const Path& path() const { return path_; }

 private:
  Path path_;
};

// An intake that answers one status and keeps the requests.
class FakeIntake final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    MutexLock lock(mutex_);
    requests_.push_back(request);
    return net::JsonResponse(status_, "{}");
  }

  void AnswerWith(int status) {
    MutexLock lock(mutex_);
    status_ = status;
  }

  std::vector<Request> requests() {
    MutexLock lock(mutex_);
    return requests_;
  }

 private:
  Mutex mutex_;
  int status_ GUARDED_BY(mutex_) = 202;
  std::vector<Request> requests_ GUARDED_BY(mutex_);
};

// A host with the built-in forwarder, and what it needs.
struct HostFixture {
  explicit HostFixture(Host::Options options = {}) {
    box = std::make_unique<SecretBox>(*SecretBox::Open(fs, random, "/key"));
    registry = *FunctionRegistry::Load(settings, *box, clock, random);
    EXPECT_TRUE(registry->Put(MakeForwarder(account, kTestApiKey, kTestTopic)));
    if (!options.intake_environment) {
      options.intake_environment = [] {
        return forwarder::Environment{{"DD_URL", "http://127.0.0.1:8080"}};
      };
    }
    host = std::make_unique<Host>(
        std::move(options), *registry, loopback, outside, clock, random, metrics);
  }

  double Invocations(std::string_view result, std::string_view function = kForwarderName) {
    return metrics
        .GetCounter("postglass_functions_invocations_total",
                    "",
                    {{"function", function}, {"result", result}})
        .value();
  }

  aws::Account account;
  ManualClock clock;
  SeededRandom random{11};
  FaultyFileSystem fs;
  MemorySettings settings;
  Metrics metrics;
  std::unique_ptr<SecretBox> box;
  std::unique_ptr<FunctionRegistry> registry;
  FakeIntake loopback;
  FakeIntake outside;
  std::unique_ptr<Host> host;
};

}  // namespace postglass::functions
