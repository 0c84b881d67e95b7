#include "bench/store/ingest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "bench/store/rows.h"

namespace postglass::bench {

namespace {

constexpr std::size_t kBatchEvents = 1000;
constexpr std::size_t kAhead = 4;     // batches that are made before they are needed
constexpr std::size_t kUnderWay = 8;  // batches that are not acknowledged yet
constexpr auto kBusyWait = std::chrono::milliseconds(5);
// The store is at rest when it took less than a fiftieth of a core for so long.
constexpr auto kRestWatch = std::chrono::milliseconds(250);
constexpr int kRestWatches = 6;
constexpr int kRestWatchesMax = 1200;

using Batch = std::vector<store::NewEvent>;

// A batch, and a second one for the case that the store is busy: it does not give batches back.
struct Load {
  Batch batch;
  std::shared_ptr<Batch> spare;
};

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t bound) : bound_(bound) {}

  void Push(T item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return items_.size() < bound_; });
    items_.push_back(std::move(item));
    changed_.notify_all();
  }

  T Pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !items_.empty(); });
    T item = std::move(items_.front());
    items_.pop_front();
    changed_.notify_all();
    return item;
  }

 private:
  const std::size_t bound_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
};

// Appends batches, at most kUnderWay at a time.
class Sender {
 public:
  explicit Sender(store::LogStore& store) : store_(store) {}

  void Send(Load load) {
    AwaitUnderWay(kUnderWay - 1);
    {
      std::lock_guard lock(mutex_);
      ++under_way_;
    }
    Append(std::move(load.batch), std::move(load.spare));
  }

  void Finish() { AwaitUnderWay(0); }

  std::uint64_t refused() const { return refused_; }

 private:
  void Append(Batch batch, std::shared_ptr<Batch> spare) {
    const std::size_t size = batch.size();
    store_.AppendAsync(std::move(batch), [this, spare, size](Result<store::AppendResult> result) {
      if (result && result->stored != size) {
        fmt::print(stderr, "a batch of {} stored {}\n", size, result->stored);
        std::exit(1);
      }
      if (!result && result.error().code != ErrorCode::kUnavailable) {
        fmt::print(stderr, "append: {}\n", result.error().message);
        std::exit(1);
      }
      std::lock_guard lock(mutex_);
      if (result) {
        --under_way_;
      } else {
        ++refused_;
        again_.push_back(spare);
      }
      changed_.notify_all();
    });
  }

  // Waits until so few batches are not acknowledged; those that were refused go first.
  void AwaitUnderWay(std::size_t most) {
    while (true) {
      std::shared_ptr<Batch> spare;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return under_way_ <= most || !again_.empty(); });
        if (again_.empty()) return;
        spare = std::move(again_.back());
        again_.pop_back();
      }
      std::this_thread::sleep_for(kBusyWait);
      Append(Batch(*spare), spare);
    }
  }

  store::LogStore& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t under_way_ = 0;
  std::vector<std::shared_ptr<Batch>> again_;
  std::uint64_t refused_ = 0;
};

void AwaitRest() {
  double before = ProcessCpuSeconds();
  for (int quiet = 0, watches = 0; quiet < kRestWatches && watches < kRestWatchesMax; ++watches) {
    std::this_thread::sleep_for(kRestWatch);
    const double now = ProcessCpuSeconds();
    const double limit = std::chrono::duration<double>(kRestWatch).count() / 50;
    quiet = now - before < limit ? quiet + 1 : 0;
    before = now;
  }
}

}  // namespace

IngestFigures Ingest(store::LogStore& store,
                     SesCorpus& corpus,
                     Truth& truth,
                     std::uint64_t events) {
  IngestFigures figures;
  BoundedQueue<Load> queue(kAhead);
  const double cpu_before = ProcessCpuSeconds();
  const double begin = NowSeconds();
  std::thread generator([&] {
    for (std::uint64_t made = 0; made < events;) {
      Load load;
      load.batch.resize(std::min<std::uint64_t>(kBatchEvents, events - made));
      for (store::NewEvent& entry : load.batch) {
        corpus.Next(entry);
        truth.Note(corpus.facts());
        figures.json_bytes += static_cast<double>(entry.event.attributes.size());
      }
      made += load.batch.size();
      load.spare = std::make_shared<Batch>(load.batch);
      queue.Push(std::move(load));
    }
    figures.generator_cpu_s = ThreadCpuSeconds();
  });
  Sender sender(store);
  for (std::uint64_t sent = 0; sent < events;) {
    Load load = queue.Pop();
    sent += load.batch.size();
    sender.Send(std::move(load));
  }
  generator.join();
  sender.Finish();
  if (const Status flushed = store.Flush(); !flushed) {
    fmt::print(stderr, "flush: {}\n", flushed.error().message);
    std::exit(1);
  }
  figures.wall_s = NowSeconds() - begin;
  AwaitRest();
  figures.store_cpu_s = ProcessCpuSeconds() - cpu_before - figures.generator_cpu_s;
  figures.refused = sender.refused();
  return figures;
}

}  // namespace postglass::bench
