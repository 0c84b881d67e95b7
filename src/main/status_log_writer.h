#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "intake/intake.h"

namespace postglass {

// Writes delivery status of topics as log events of our own, as they would be in CloudWatch Logs,
// from a thread of its own: deliveries do not wait for the store. What does not fit in the queue is
// left out and counted, as SNS's own status logs are best effort. Thread-safe.
class StatusLogWriter {
 public:
  static constexpr std::size_t kQueuedMax = 20'000;  // entries, about 1 kB each
  static constexpr std::size_t kBatchMax = 500;      // entries of one ingest

  // Both must outlive it.
  StatusLogWriter(intake::Intake& intake, Metrics& metrics);
  ~StatusLogWriter();

  // Returns at once.
  void Add(const std::string& group, std::vector<json::object> entries) EXCLUDES(mutex_);
  void Start();
  void Stop();  // writes what is queued first

 private:
  struct Entry {
    std::string group;
    json::object entry;
  };

  void Run();
  void Write(std::vector<Entry> batch);

  intake::Intake& intake_;
  Counter& dropped_;
  Mutex mutex_;
  CondVar wake_;
  std::deque<Entry> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace postglass
