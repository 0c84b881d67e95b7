#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>

namespace postglass {
namespace {

TEST(WorkerPool, RunsEveryTaskBeforeDrainReturns) {
  WorkerPool pool({.threads = 3, .queue_max = 1000});
  std::atomic<int> ran = 0;
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  pool.Drain();
  EXPECT_EQ(ran, 500);
}

// A worker that was woken wakes the next one when there is more than it takes: nobody else would.
TEST(WorkerPool, HasAsManyAtWorkAsTasksNeedEachOther) {
  constexpr int kTogether = 4;
  WorkerPool pool({.threads = kTogether, .queue_max = 1000});
  for (int round = 0; round < 200; ++round) {
    std::latch together(kTogether);
    for (int i = 0; i < kTogether; ++i) {
      ASSERT_TRUE(pool.Submit([&] { together.arrive_and_wait(); }));
    }
    pool.Drain();
  }
}

TEST(WorkerPool, RefusesWhenTheQueueIsFull) {
  WorkerPool pool({.threads = 1, .queue_max = 2});
  std::promise<void> started, go;
  ASSERT_TRUE(pool.Submit([&] {
    started.set_value();
    go.get_future().wait();
  }));
  started.get_future().wait();
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_FALSE(pool.Submit([] {}));
  EXPECT_EQ(pool.queued(), 2U);
  go.set_value();
  pool.Drain();
  EXPECT_TRUE(pool.Submit([] {}));
}

TEST(WorkerPool, StopRunsWhatWaitsAndRefusesMore) {
  std::atomic<int> ran = 0;
  WorkerPool pool({.threads = 1, .queue_max = 100});
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  pool.Stop();
  EXPECT_EQ(ran, 50);
  EXPECT_FALSE(pool.Submit([] {}));
}

}  // namespace
}  // namespace postglass
