#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/secret_box.h"
#include "journal/journal.h"
#include "streams/batch_deliverer.h"
#include "streams/stream_config.h"

namespace postglass::streams {

// One stream on its way: records in a journal, a thread that gathers and delivers them in order.
// The cursor moves when a batch is delivered or written to a file, so a crash delivers it again,
// under the same id. Thread-safe.
class Stream {
 public:
  static constexpr std::uint64_t kDiskBytesMax = 2ull << 30;  // above: records are refused

  // The references must outlive it.
  Stream(StreamConfig config,
         std::unique_ptr<journal::Journal> journal,
         const SecretBox& box,
         const Clock& clock,
         Metrics& metrics,
         const BatchDeliverer& deliverer);
  ~Stream();

  std::shared_ptr<const StreamConfig> config() const;
  // Another destination or other tags, from the next batch on.
  void SetConfig(StreamConfig config);

  // `done` is called once they are durable. Errors: kUnavailable above kDiskBytesMax, those of
  // AppendAsync.
  void PutAsync(std::vector<std::string> records, std::function<void(Status)> done);

  void Start();
  void Stop();
  void DeliverAll();  // for tests: on this thread, without waiting for more to gather

 private:
  struct Gathered {
    Batch batch;
    std::size_t bytes = 0;
    journal::Sequence last = 0;
  };

  void Run(const std::stop_token& stop);
  // Reads on until the batch is full, nothing more is there, or an error.
  Status Gather(Gathered& gathered);
  // Until it is delivered or in a file; false when asked to stop before.
  bool Deliver(Gathered& gathered, const std::stop_token& stop);
  bool Keep(Gathered& gathered, bool failed);
  void Done(const Gathered& gathered);
  // Sleeps; false when asked to stop.
  bool Pause(std::chrono::milliseconds time, const std::stop_token& stop);
  journal::Sequence Cursor() const;

  mutable Mutex mutex_;
  CondVar wake_;
  std::shared_ptr<const StreamConfig> config_ GUARDED_BY(mutex_);
  const std::unique_ptr<journal::Journal> journal_;
  const SecretBox& box_;
  const Clock& clock_;
  const BatchDeliverer& deliverer_;
  const std::string seal_context_;
  Counter& delivered_;
  Counter& failed_;
  Counter& dropped_;
  std::unique_ptr<journal::Journal::Reader> reader_;  // of the delivering thread
  std::jthread thread_;
};

}  // namespace postglass::streams
