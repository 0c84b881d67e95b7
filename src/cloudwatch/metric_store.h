#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/result.h"
#include "journal/journal.h"

namespace postglass::cloudwatch {

using Dimensions = std::map<std::string, std::string, std::less<>>;

// What names a series.
struct MetricId {
  std::string metric_namespace;
  std::string name;
  Dimensions dimensions;
  auto operator<=>(const MetricId&) const = default;
};

// CloudWatch's statistic set.
struct Statistics {
  double count = 0;
  double sum = 0;
  double min = 0;
  double max = 0;

  void Merge(const Statistics& other);
  bool operator==(const Statistics&) const = default;
};

struct DataPoint {
  Timestamp begin;  // of the period
  Statistics statistics;
};

// Series of values, a set of statistics for each minute; after 15 days for each hour, kept for 455
// days, as CloudWatch keeps them (User Guide, "Metrics retention"). Thread-safe; adding waits for
// no disk. What was added is written once a second: a crash loses that.
class MetricStore {
 public:
  struct Parts {  // all must outlive the store
    FileSystem& fs;
    const Clock& clock;
    Metrics& metrics;
  };

  struct Options {
    Path dir;  // of the journal
    journal::Durability durability = journal::Durability::kFsync;
    std::size_t series_max = 10'000;              // new ones are refused above
    std::size_t points_max = 4'000'000;           // of all series, some 100 bytes each; the same
    std::uint64_t rewrite_bytes_min = 64u << 20;  // of the journal, before it is written anew
  };

  static Result<std::unique_ptr<MetricStore>> Create(Parts parts,
                                                     Options options,
                                                     journal::Recovery* recovery = nullptr);
  ~MetricStore();

  void Start();
  void Stop();  // writes what has gathered

  // kLimit: too many series or points; kInvalidArgument: older than two weeks or more than two
  // hours ahead.
  Status Add(const MetricId& id, Timestamp at, const Statistics& statistics, std::string_view unit);

  // Periods of `period` from `from` up to `to` that have values, oldest first. `period` is a
  // multiple of a minute.
  std::vector<DataPoint> Read(const MetricId& id,
                              Timestamp from,
                              Timestamp to,
                              std::chrono::seconds period) const;
  // The unit of its last value; empty: no such series.
  std::string UnitOf(const MetricId& id) const;

  struct Filter {
    std::string metric_namespace;  // empty: every
    std::string name;              // empty: every
    // A series must have each of these; without a value, with any.
    std::vector<std::pair<std::string, std::optional<std::string>>> dimensions;
    std::optional<Timestamp> active_since;
  };

  // Up to `count_max` behind `after`, in order.
  std::vector<MetricId> List(const Filter& filter,
                             const std::optional<MetricId>& after,
                             std::size_t count_max) const;

  // One round of the thread: writes what changed, rolls up and forgets what is old.
  Status Flush();

 private:
  // Begin of the minute or hour in minutes since 1970. Hours are those before the cut.
  using Minute = std::int64_t;

  struct Series {
    std::map<Minute, Statistics> points;  // minutes, and rolled-up hours before them
    std::string unit;
    Minute rolled_up_to = 0;  // points before it are hours
  };

  MetricStore(Parts parts, Options options) : parts_(parts), options_(std::move(options)) {}

  Status Recover();
  void Run();
  void RollUp(Minute now) REQUIRES(mutex_);
  std::string EncodeChanges() REQUIRES(mutex_);
  std::vector<std::string> EncodeAll() const REQUIRES(mutex_);
  Status Rewrite();

  const Parts parts_;
  const Options options_;
  std::unique_ptr<journal::Journal> journal_;

  mutable Mutex mutex_;
  CondVar wake_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<MetricId, Series> series_ GUARDED_BY(mutex_);
  std::size_t points_ GUARDED_BY(mutex_) = 0;
  std::set<std::pair<MetricId, Minute>> changed_ GUARDED_BY(mutex_);
  Minute rolled_up_ GUARDED_BY(mutex_) = 0;  // when it was last done
  std::thread thread_;
};

}  // namespace postglass::cloudwatch
