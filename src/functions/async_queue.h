#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/secret_box.h"
#include "functions/host.h"
#include "queues/message_store.h"

namespace postglass::functions {

// Asynchronous invocations (AWS Lambda, "Asynchronous invocation"): an event is taken once it is
// durable and run in the background. A function error is tried again after one and two minutes, a
// throttle with pauses from one second to five minutes, until the event is too old. Then it goes to
// the function's on-failure destination and its dead-letter queue; without either it is lost, as in
// Lambda, with a word in the log. Thread-safe.
//
// A crash may run an event again, and forgets how often it had failed.
//
// Counted: postglass_functions_async_events_total{function,result}, result one of succeeded,
// exhausted, expired, dropped (there is no such function any more).
class AsyncQueue {
 public:
  static constexpr std::size_t kEventsMax = 100'000;

  struct Parts {  // all must outlive the queue
    Host& host;
    FunctionRegistry& registry;
    FileSystem& fs;
    const Clock& clock;
    Random& random;
    Metrics& metrics;
    const SecretBox& box;
  };

  struct Options {
    Path dir;  // of the journal
    journal::Durability durability = journal::Durability::kFsync;
    std::size_t threads = 4;               // events that run at once
    std::chrono::seconds retry_pause{60};  // times the failures so far
  };

  // Puts something into the queue or topic of this ARN, with attributes that are texts or numbers
  // (type String, Number). kNotFound and kPermissionDenied are tried again like all else: both may
  // be mended.
  struct Parcel {
    std::string target_arn;
    std::string body;
    std::vector<queues::MessageAttribute> attributes;
  };

  using Deliver = std::function<Status(Parcel parcel)>;

  static Result<std::unique_ptr<AsyncQueue>> Create(Parts parts,
                                                    Options options,
                                                    journal::Recovery* recovery = nullptr);
  ~AsyncQueue();
  AsyncQueue(const AsyncQueue&) = delete;
  AsyncQueue& operator=(const AsyncQueue&) = delete;

  // Before Start().
  void SetDeliver(Deliver deliver) { deliver_ = std::move(deliver); }

  void Start();
  // Joins; what is at work is waited for (Host::Interrupt() ends it) and runs again after the next
  // start.
  void Stop();

  // Waits until it is durable; gives the request id. kLimit: too many wait. Else the journal's
  // errors.
  Result<std::string> Add(const Function& function, std::string event);

  std::size_t size() const;
  // For tests, instead of Start(): runs one event that is due; false when there is none.
  bool RunOne();

 private:
  // What is known of an event beyond what is stored.
  struct Trouble {
    int errors = 0;
    std::vector<Parcel> parcels;  // that remain to be delivered; the event is done otherwise
  };

  AsyncQueue(Parts parts, Options options) : parts_(parts), options_(std::move(options)) {}

  void RunWorker();
  void RunKeeper();
  void WakeInterrupted();
  void Run(const queues::MessageStore::Taken& taken);
  void Settle(const queues::MessageStore::Taken& taken,
              const queues::Message& event,
              const Function& function,
              const Host::Outcome& outcome,
              std::string_view condition);
  void Finish(queues::MessageNumber number, std::vector<Parcel> parcels);
  void Postpone(queues::MessageNumber number, std::chrono::nanoseconds pause);
  void Count(const std::string& function, std::string_view result);

  const Parts parts_;
  const Options options_;
  Deliver deliver_;
  Metrics store_metrics_;  // the store's gauge is that of queues; not to be mixed with it
  std::unique_ptr<queues::MessageStore> store_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<queues::MessageNumber, Trouble> troubles_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace postglass::functions
