#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "store/embedded/embedded_world_testing.h"
#include "store/embedded/store_check.h"

// Faults at every file operation of appends, seals, merges, deletions and erasures.

namespace postglass::store {
namespace {

// Appends until something fails; the messages that were acknowledged and those that were tried.
struct History {
  std::set<std::string> acknowledged;
  std::set<std::string> tried;
  std::set<std::string> removed;        // for certain
  std::set<std::string> removal_tried;  // may be there or not
};

constexpr std::uint32_t kBatches = 12;

// Deletes the event n, or erases the person that n + 1 names.
void Remove(EmbeddedStore& store, History& history, std::uint32_t n) {
  const bool erase = n % 2 == 0;
  const std::string message = fmt::format("event {}", erase ? n + 1 : n);
  history.removal_tried.insert(message);
  const bool done = [&] {
    if (!erase) return store.Delete(WordPlan(fmt::format("{}", n))).has_value();
    const Result<EraseReceipt> receipt = store.Erase(fmt::format("User{}@example.org", n + 1));
    return receipt && receipt->not_erased.empty();
  }();
  if (done && history.acknowledged.contains(message)) history.removed.insert(message);
}

void WriteHistory(World& world, History& history) {
  world.options.seal_rows = 4;
  world.options.merge.tier_segments = 2;
  Result<std::unique_ptr<EmbeddedStore>> store =
      EmbeddedStore::Open(world.fs, world.clock, world.metrics, "/store", world.options);
  if (!store) return;
  for (std::uint32_t b = 0; b < kBatches; ++b) {
    std::vector<NewEvent> batch;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const std::uint32_t n = 3 * b + i;
      batch.push_back(MakeEvent(n, fmt::format(R"({{"to":"user{}@example.org"}})", n)));
      batch.back().event.timestamp_ms += std::int64_t{i} * 86'400'000;  // a seal of three days
      batch.back().dedup_key = KeyOf(3 * b + i);
    }
    std::set<std::string> messages;
    for (const NewEvent& entry : batch) messages.insert(entry.event.message);
    history.tried.insert(messages.begin(), messages.end());
    if ((*store)->Append(std::move(batch))) {
      history.acknowledged.insert(messages.begin(), messages.end());
    }
    if (b % 4 == 3) {
      static_cast<void>((*store)->Flush().has_value());
      static_cast<void>((*store)->Maintain().has_value());
    }
    if (b % 4 == 1) Remove(**store, history, 3 * b);
  }
}

void ExpectHistory(World& world, const History& history) {
  world.Open();
  ASSERT_NE(world.store, nullptr);
  const std::multiset<std::string> found = Messages(*world.store);
  for (const std::string& message : history.acknowledged) {
    if (history.removal_tried.contains(message)) continue;
    EXPECT_EQ(found.count(message), 1U) << message;
  }
  for (const std::string& message : found) {
    EXPECT_TRUE(history.tried.contains(message)) << message;
    EXPECT_EQ(found.count(message), 1U) << message;
    EXPECT_FALSE(history.removed.contains(message)) << message;
  }
  // Every event that is there is known by its key, and those that were removed too; the others can
  // be stored.
  std::vector<NewEvent> again;
  for (std::uint32_t n = 0; n < 3 * kBatches; ++n) {
    again.push_back(MakeEvent(n));
    again.back().dedup_key = KeyOf(n);
  }
  const Result<AppendResult> result = world.store->Append(std::move(again));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_GE(result->duplicates, found.size());
  const std::multiset<std::string> now = Messages(*world.store);
  EXPECT_EQ(now.size(), found.size() + result->stored);
  for (const std::string& message : now) {
    EXPECT_EQ(now.count(message), 1U) << message;
    EXPECT_FALSE(history.removed.contains(message)) << message;
  }
  const Result<StoreCheck> check = [&] {
    world.store.reset();
    return CheckStore(world.fs, world.clock, "/store");
  }();
  ASSERT_TRUE(check) << check.error().message;
  EXPECT_TRUE(check->problems.empty()) << check->problems.front();
}

// A power cut at any file operation loses nothing that was acknowledged, invents nothing, doubles
// nothing.
TEST(EmbeddedStoreCrash, KeepsWhatWasAcknowledgedWhereverThePowerIsCut) {
  for (std::uint64_t cut_op = 0; cut_op < 2000; cut_op += kSlowness) {
    SCOPED_TRACE(fmt::format("power cut at file operation {}", cut_op));
    World world;
    world.fs.Arm({.seed = cut_op + 1, .power_loss_at_op = cut_op});
    History history;
    WriteHistory(world, history);
    const bool fired = world.fs.fault_fired();
    world.fs.RestorePower();
    ExpectHistory(world, history);
    if (HasFatalFailure() || HasNonfatalFailure() || !fired) break;
  }
}

// The same when one operation fails and the process goes on, and is killed later.
TEST(EmbeddedStoreCrash, KeepsWhatWasAcknowledgedWhicheverOperationFails) {
  for (const ErrorCode code : {ErrorCode::kIo, ErrorCode::kDiskFull}) {
    for (std::uint64_t fail_op = 0; fail_op < 2000; fail_op += kSlowness) {
      SCOPED_TRACE(fmt::format("operation {} fails with {}", fail_op, ErrorCodeName(code)));
      World world;
      world.fs.Arm({.seed = fail_op + 1, .fail_at_op = fail_op, .fail_with = code});
      History history;
      WriteHistory(world, history);
      const bool fired = world.fs.fault_fired();
      world.fs.RestorePower();
      ExpectHistory(world, history);
      if (HasFatalFailure() || HasNonfatalFailure() || !fired) break;
    }
  }
}

// Recovery itself is interrupted, again and again.
TEST(EmbeddedStoreCrash, KeepsWhatWasAcknowledgedWhenRecoveryIsCutToo) {
  for (std::uint64_t cut_op = 0; cut_op < 500; cut_op += kSlowness) {
    SCOPED_TRACE(fmt::format("power cut at recovery's file operation {}", cut_op));
    World world;
    world.fs.Arm({.seed = cut_op + 1, .power_loss_at_op = 60 + cut_op % 40});
    History history;
    WriteHistory(world, history);
    world.fs.RestorePower();
    world.fs.Arm({.seed = cut_op + 7, .power_loss_at_op = cut_op});
    static_cast<void>(
        EmbeddedStore::Open(world.fs, world.clock, world.metrics, "/store", world.options)
            .has_value());
    const bool fired = world.fs.fault_fired();
    world.fs.RestorePower();
    ExpectHistory(world, history);
    if (HasFatalFailure() || HasNonfatalFailure() || !fired) break;
  }
}

}  // namespace
}  // namespace postglass::store
