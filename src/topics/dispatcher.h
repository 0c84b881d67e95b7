#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/idle_workers.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "topics/deliverer.h"
#include "topics/outbox.h"

namespace postglass::topics {

// Decides which message goes to which subscription when. Each subscription has a lane: its messages
// in order of publishing, at most one call in flight. A failed message waits by its own schedule
// while later ones go on. When a whole call fails, the lane as such waits (but never longer than
// kProbeInterval while messages wait that were not tried yet), so a broken function is not
// hammered; the first success sends all that waits at once. Thread-safe.
class Dispatcher {
 public:
  struct Options {
    int function_threads = 4;
    // More: an endpoint that does not answer holds one for 15 s.
    int http_threads = 8;
  };

  // The references must outlive it.
  Dispatcher(
      Outbox& outbox, Deliverer& deliverer, const Clock& clock, Metrics& metrics, Options options);
  ~Dispatcher();

  void Enqueue(const std::vector<PendingDelivery>& deliveries);
  // False when too many wait for this subscription.
  bool HasRoom(const Target& target) const;

  void Start();
  // Takes no new work, finishes the calls in flight, joins. What waits stays in the outbox.
  void Stop();
  // For tests and tools, instead of Start(): makes on this thread every attempt that is due now,
  // until none is. Returns how many deliveries were attempted.
  std::size_t RunDue();

  std::size_t pending() const;

 private:
  struct Waiting {
    std::uint32_t target_index = 0;
    std::uint32_t attempts = 0;
    Timestamp published_at;
    std::chrono::nanoseconds due{0};  // monotonic; when in `delayed`
  };

  struct Lane {
    Target target;
    std::map<MessageNumber, Waiting> waiting;  // all that is owed, in flight included
    std::set<MessageNumber> ready;
    std::set<std::pair<std::chrono::nanoseconds, MessageNumber>> delayed;
    std::size_t untried = 0;  // of `ready`
    bool busy = false;
    int failed_rounds = 0;                    // calls in a row that failed as a whole
    std::chrono::nanoseconds round_ended{0};  // the last of them
    std::chrono::nanoseconds gate_until{0};
  };

  struct Batch {
    std::string lane;
    Target target;
    std::vector<MessageNumber> numbers;
    std::vector<Waiting> items;
    std::vector<std::shared_ptr<const Message>> messages;
    std::vector<DeliveryOutcome> outcomes;
  };
  enum class Kind { kFunctions, kEndpoints };  // functions and queues, http(s)
  static constexpr std::size_t kKindsCount = 2;

  static std::size_t IndexOf(Kind kind) { return static_cast<std::size_t>(kind); }

  using Lanes = std::map<std::string, Lane, std::less<>>;

  static Kind KindOf(const Target& target);
  void Run(Kind kind);
  // When the lane may be served next; max() when nothing waits.
  std::chrono::nanoseconds LaneDue(const Lane& lane) const REQUIRES(mutex_);
  std::optional<Batch> TakeBatch(Kind kind, std::chrono::nanoseconds* next_due) REQUIRES(mutex_);
  void MakeReady(Lane& lane, MessageNumber number, const Waiting& item) REQUIRES(mutex_);
  void Process(Batch& batch);
  void ReadMessages(Batch& batch);
  void Finish(Batch& batch);

  Outbox& outbox_;
  Deliverer& deliverer_;
  const Clock& clock_;
  const Options options_;
  Gauge& pending_gauge_;
  std::array<std::array<Counter*, 5>, kProtocols.size()>
      attempts_{};  // by Protocol and DeliveryOutcome::Kind

  mutable Mutex mutex_;
  std::array<CondVar, kKindsCount> work_;  // by Kind: each is for its own threads
  std::array<IdleWorkers, kKindsCount> workers_ GUARDED_BY(mutex_);
  Lanes lanes_ GUARDED_BY(mutex_);
  // By Kind: the lane served last. The next search starts behind it.
  std::array<std::string, kKindsCount> last_served_ GUARDED_BY(mutex_);
  std::size_t pending_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace postglass::topics
