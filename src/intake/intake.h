#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "access/keys.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "intake/types.h"
#include "net/http.h"
#include "pipelines/engine.h"
#include "pipelines/log.h"
#include "store/log_store.h"

namespace postglass::intake {

// The Datadog-compatible log intake, and the one path that every event takes into the store.
// Thread-safe. Which codes and bodies: docs/compat/intake.md.
class Intake {
 public:
  struct Options {
    bool masking = true;  // off only so that a test can show the difference
  };

  // All must outlive the intake.
  Intake(const access::KeyVerifier& keys,
         const pipelines::Engine& engine,
         store::LogStore& store,
         const Clock& clock,
         Random& random,
         Metrics& metrics,
         Options options);
  ~Intake();

  // Whether the request is one of ours: /api/v2/logs[/KEY], /v1/input[/KEY], /api/v1/validate.
  static bool Handles(const net::HttpRequest& request);
  // Blocks until the logs are durable and visible, or refused.
  net::HttpResponse Handle(const net::HttpRequest& request);

  // Runs the pipelines, names each event (id, deduplication key), masks secrets and appends the
  // batch. On OK every log is durable and visible to the next query, once.
  // Errors: kUnavailable, kDiskFull, kIo (nothing was stored: try again later), kLimit.
  Result<IngestResult> Ingest(std::vector<pipelines::Log> logs, const Provenance& provenance);

 private:
  struct Counters;
  struct Caller;

  net::HttpResponse Validate(const net::HttpRequest& request);
  net::HttpResponse Submit(const net::HttpRequest& request, const Caller& caller);
  std::array<std::uint8_t, 10> UniqueBytes(std::uint32_t number) const;
  store::NewEvent MakeEvent(pipelines::Log log, const Provenance& provenance, Timestamp now);

  const access::KeyVerifier& keys_;
  const pipelines::Engine& engine_;
  store::LogStore& store_;
  const Clock& clock_;
  const Options options_;
  std::unique_ptr<Counters> counters_;
  std::atomic<std::size_t> in_flight_bytes_ = 0;
  std::atomic<bool> store_failing_ = false;
  // What makes ids unique beside their milliseconds: this run of the server, and a number in it.
  // Counting instead of drawing anew keeps neighbouring ids near each other, which the store packs.
  std::array<std::uint8_t, 6> run_{};
  std::atomic<std::uint32_t> next_number_ = 0;
};

}  // namespace postglass::intake
