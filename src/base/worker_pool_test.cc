#include "base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace postglass {
namespace {

TEST(WorkerPool, RunsEveryTaskBeforeDrainReturns) {
  WorkerPool pool({.threads = 3, .queue_max = 1000});
  std::atomic<int> ran = 0;
  for (int i = 0; i < 500; ++i) EXPECT_TRUE(pool.Submit([&] { ++ran; }));
  pool.Drain();
  EXPECT_EQ(ran, 500);
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
