#include "cloudwatch/metric_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/log.h"
#include "base/record_coding.h"

namespace postglass::cloudwatch {
namespace {

constexpr std::uint8_t kPointsKind = 1;
constexpr std::chrono::seconds kFlushInterval{1};
constexpr std::int64_t kMinuteNanos = 60'000'000'000;
constexpr std::int64_t kMinutesOfFineData = 15 * 24 * 60;
constexpr std::int64_t kMinutesOfData = 455 * 24 * 60;
constexpr std::int64_t kMinutesBehindMax = 14 * 24 * 60;  // [CloudWatch] of a new value
constexpr std::int64_t kMinutesAheadMax = 2 * 60;         // [CloudWatch]
constexpr std::size_t kPointsPerRecord = 10'000;

std::int64_t MinuteOf(Timestamp t) {
  return t.nanos >= 0 ? t.nanos / kMinuteNanos : (t.nanos - kMinuteNanos + 1) / kMinuteNanos;
}

void Append(RecordWriter& out, double value) { out.Number(std::bit_cast<std::uint64_t>(value)); }

double ReadDouble(RecordReader& in) { return std::bit_cast<double>(in.Number()); }

// One point as it stands now: reading it again changes nothing.
void AppendPoint(RecordWriter& out,
                 const MetricId& id,
                 std::string_view unit,
                 std::int64_t minute,
                 const Statistics& statistics) {
  out.Text(id.metric_namespace);
  out.Text(id.name);
  out.Number(id.dimensions.size());
  for (const auto& [name, value] : id.dimensions) {
    out.Text(name);
    out.Text(value);
  }
  out.Text(unit);
  out.Number(static_cast<std::uint64_t>(minute));
  Append(out, statistics.count);
  Append(out, statistics.sum);
  Append(out, statistics.min);
  Append(out, statistics.max);
}

}  // namespace

void Statistics::Merge(const Statistics& other) {
  if (other.count == 0) return;
  min = count == 0 ? other.min : std::min(min, other.min);
  max = count == 0 ? other.max : std::max(max, other.max);
  count += other.count;
  sum += other.sum;
}

Result<std::unique_ptr<MetricStore>> MetricStore::Create(Parts parts,
                                                         Options options,
                                                         journal::Recovery* recovery) {
  std::unique_ptr<MetricStore> store(new MetricStore(parts, std::move(options)));
  journal::Options journal_options;
  journal_options.durability = store->options_.durability;
  journal_options.name = "cloudwatch";
  ASSIGN_OR_RETURN(
      store->journal_,
      journal::Journal::Open(
          parts.fs, parts.clock, parts.metrics, store->options_.dir, journal_options, recovery));
  RETURN_IF_ERROR(store->Recover());
  return store;
}

MetricStore::~MetricStore() { Stop(); }

Status MetricStore::Recover() {
  ASSIGN_OR_RETURN(const auto reader, journal_->Read(journal_->first_sequence() - 1));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
    if (!record) break;
    RecordReader in(record->payload);
    if (in.Byte() != kPointsKind) {
      log::Error("cloudwatch", "record {} left out: unknown kind", record->sequence);
      continue;
    }
    MutexLock lock(mutex_);
    for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
      MetricId id;
      id.metric_namespace = in.Text();
      id.name = in.Text();
      for (std::size_t d = in.Count(); d > 0 && in.ok(); --d) {
        std::string name = in.Text();
        id.dimensions.insert_or_assign(std::move(name), in.Text());
      }
      std::string unit = in.Text();
      const auto minute = static_cast<Minute>(in.Number());
      Statistics statistics;
      statistics.count = ReadDouble(in);
      statistics.sum = ReadDouble(in);
      statistics.min = ReadDouble(in);
      statistics.max = ReadDouble(in);
      if (!in.ok()) break;
      Series& series = series_[id];
      series.unit = std::move(unit);
      // Nothing counted: this point was rolled up into its hour.
      if (statistics.count == 0) {
        points_ -= series.points.erase(minute);
      } else {
        if (series.points.insert_or_assign(minute, statistics).second) ++points_;
      }
    }
    if (!in.ok()) log::Error("cloudwatch", "record {} is broken", record->sequence);
  }
  return {};
}

Status MetricStore::Add(const MetricId& id,
                        Timestamp at,
                        const Statistics& statistics,
                        std::string_view unit) {
  const Minute minute = MinuteOf(at);
  const Minute now = MinuteOf(parts_.clock.Now());
  if (minute < now - kMinutesBehindMax || minute > now + kMinutesAheadMax) {
    return Fail(ErrorCode::kInvalidArgument,
                "the time is more than two weeks ago or more than two hours ahead");
  }
  MutexLock lock(mutex_);
  const auto known = series_.find(id);
  if ((known == series_.end() && series_.size() >= options_.series_max) ||
      points_ >= options_.points_max) {
    return Fail(
        ErrorCode::kLimit,
        fmt::format("{} series and {} values are kept, no more fit", series_.size(), points_));
  }
  Series& series = known == series_.end() ? series_[id] : known->second;
  if (!unit.empty()) series.unit = unit;
  const auto [point, added] = series.points.try_emplace(minute);
  if (added) ++points_;
  point->second.Merge(statistics);
  changed_.emplace(id, minute);
  return {};
}

std::vector<DataPoint> MetricStore::Read(const MetricId& id,
                                         Timestamp from,
                                         Timestamp to,
                                         std::chrono::seconds period) const {
  std::vector<DataPoint> read;
  const std::int64_t period_minutes = std::max<std::int64_t>(1, period.count() / 60);
  MutexLock lock(mutex_);
  const auto at = series_.find(id);
  if (at == series_.end()) return read;
  const auto& points = at->second.points;
  // Periods begin at multiples of their length, as CloudWatch's do for a start on a full minute.
  const Minute first = MinuteOf(from);
  for (auto point = points.lower_bound(first); point != points.end(); ++point) {
    const Timestamp begin{point->first * kMinuteNanos};
    if (begin >= to) break;
    const Minute bucket = first + (point->first - first) / period_minutes * period_minutes;
    const Timestamp bucket_begin{bucket * kMinuteNanos};
    if (read.empty() || read.back().begin != bucket_begin) read.push_back({bucket_begin, {}});
    read.back().statistics.Merge(point->second);
  }
  return read;
}

std::string MetricStore::UnitOf(const MetricId& id) const {
  MutexLock lock(mutex_);
  const auto at = series_.find(id);
  if (at == series_.end()) return {};
  return at->second.unit.empty() ? "None" : at->second.unit;
}

std::vector<MetricId> MetricStore::List(const Filter& filter,
                                        const std::optional<MetricId>& after,
                                        std::size_t count_max) const {
  std::vector<MetricId> listed;
  MutexLock lock(mutex_);
  for (auto at = after ? series_.upper_bound(*after) : series_.begin();
       at != series_.end() && listed.size() < count_max;
       ++at) {
    const MetricId& id = at->first;
    if (!filter.metric_namespace.empty() && id.metric_namespace != filter.metric_namespace) {
      continue;
    }
    if (!filter.name.empty() && id.name != filter.name) continue;
    const bool has_all =
        std::all_of(filter.dimensions.begin(), filter.dimensions.end(), [&id](const auto& wanted) {
          const auto found = id.dimensions.find(wanted.first);
          return found != id.dimensions.end() &&
                 (!wanted.second || found->second == *wanted.second);
        });
    if (!has_all) continue;
    const bool active = !filter.active_since ||
                        (!at->second.points.empty() &&
                         at->second.points.rbegin()->first >= MinuteOf(*filter.active_since));
    if (active) listed.push_back(id);
  }
  return listed;
}

// Once an hour: minutes older than 15 days become hours, hours older than 455 days go.
void MetricStore::RollUp(Minute now) {
  const Minute hour = now / 60 * 60;
  if (hour == rolled_up_) return;
  rolled_up_ = hour;
  const Minute cut = (now - kMinutesOfFineData) / 60 * 60;
  for (auto at = series_.begin(); at != series_.end();) {
    Series& series = at->second;
    auto& points = series.points;
    const auto gone = points.lower_bound(now - kMinutesOfData);
    points_ -= static_cast<std::size_t>(std::distance(points.begin(), gone));
    points.erase(points.begin(), gone);
    for (auto point = points.lower_bound(series.rolled_up_to);
         point != points.end() && point->first < cut;) {
      const Minute begin = point->first / 60 * 60;
      if (point->first == begin) {
        ++point;
        continue;
      }
      const auto [into, added] = points.try_emplace(begin);
      if (added) ++points_;
      into->second.Merge(point->second);
      changed_.emplace(at->first, begin);
      changed_.emplace(at->first, point->first);
      point = points.erase(point);
      --points_;
    }
    series.rolled_up_to = cut;
    at = points.empty() ? series_.erase(at) : std::next(at);
  }
}

std::string MetricStore::EncodeChanges() {
  RecordWriter out(kPointsKind);
  out.Number(changed_.size());
  for (const auto& [id, minute] : changed_) {
    const auto at = series_.find(id);
    const auto point = at == series_.end() ? std::map<Minute, Statistics>::const_iterator()
                                           : at->second.points.find(minute);
    const bool there = at != series_.end() && point != at->second.points.end();
    AppendPoint(out,
                id,
                at == series_.end() ? std::string() : at->second.unit,
                minute,
                there ? point->second : Statistics());
  }
  return std::move(out).Finish();
}

std::vector<std::string> MetricStore::EncodeAll() const {
  std::vector<std::string> records;
  std::size_t count = 0;
  RecordWriter out(0);
  const auto finish = [&] {
    if (count == 0) return;
    RecordWriter head(kPointsKind);
    head.Number(count);
    std::string record = std::move(head).Finish();
    record += std::move(out).Finish().substr(1);
    records.push_back(std::move(record));
    out = RecordWriter(0);
    count = 0;
  };
  for (const auto& [id, series] : series_) {
    for (const auto& [minute, statistics] : series.points) {
      AppendPoint(out, id, series.unit, minute, statistics);
      if (++count == kPointsPerRecord) finish();
    }
  }
  finish();
  return records;
}

// The journal anew: all that is kept, then without what came before.
Status MetricStore::Rewrite() {
  ASSIGN_OR_RETURN(const journal::Sequence first, journal_->BeginFile());
  std::vector<std::string> records;
  {
    MutexLock lock(mutex_);
    records = EncodeAll();
  }
  for (std::string& record : records) {
    ASSIGN_OR_RETURN(const journal::Sequence sequence, journal_->Append(std::move(record)));
    static_cast<void>(sequence);
  }
  return journal_->TrimBefore(first);
}

Status MetricStore::Flush() {
  std::string record;
  std::set<std::pair<MetricId, Minute>> taken;
  {
    MutexLock lock(mutex_);
    RollUp(MinuteOf(parts_.clock.Now()));
    if (changed_.empty()) return {};
    record = EncodeChanges();
    taken.swap(changed_);
  }
  if (const auto written = journal_->Append(std::move(record)); !written) {
    MutexLock lock(mutex_);
    changed_.merge(taken);  // again at the next round
    return Fail(written.error());
  }
  if (journal_->size_bytes() >= options_.rewrite_bytes_min) {
    std::uint64_t live = 0;
    {
      MutexLock lock(mutex_);
      live = points_ * 100;
    }
    if (journal_->size_bytes() > 2 * live) return Rewrite();
  }
  return {};
}

void MetricStore::Run() {
  bool failed = false;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) wake_.WaitFor(mutex_, kFlushInterval);
      if (stopping_) return;
    }
    const Status flushed = Flush();
    if (!flushed && !failed) log::Warn("cloudwatch", "not written: {}", flushed.error().message);
    failed = !flushed;
  }
}

void MetricStore::Start() {
  thread_ = std::thread([this] { Run(); });
}

void MetricStore::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
  if (journal_) {
    if (const Status flushed = Flush(); !flushed) {
      log::Warn("cloudwatch", "the last values are lost: {}", flushed.error().message);
    }
  }
}

}  // namespace postglass::cloudwatch
