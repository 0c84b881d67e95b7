#include "store/embedded/segment/key_blocks.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "store/embedded/segment/number_array.h"

namespace postglass::store {

namespace {

// Where an ingest time and the unique part of an id come from.
enum class Source : std::uint8_t { kRows, kRuns };

constexpr std::uint64_t kSign = std::uint64_t{1} << 63;  // keeps the order of signed numbers
constexpr std::uint64_t kRunGapMax = 1 << 10;            // within a run
constexpr std::uint64_t kTimeMask = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t kTimeBias = std::uint64_t{1} << 47;  // small differences of either sign

std::uint64_t Biased(std::int64_t number) { return static_cast<std::uint64_t>(number) ^ kSign; }

std::int64_t Unbiased(std::uint64_t number) { return static_cast<std::int64_t>(number ^ kSign); }

// An id's 80 bits.
struct Unique {
  std::uint64_t high = 0;  // 16 bits
  std::uint64_t low = 0;

  auto operator<=>(const Unique&) const = default;
};

std::uint64_t BigEndian(const std::uint8_t* bytes, int count) {
  std::uint64_t number = 0;
  for (int i = 0; i < count; ++i) number = number << 8 | bytes[i];
  return number;
}

Unique UniqueOf(const EventId& id) {
  return {BigEndian(id.bytes.data() + 6, 2), BigEndian(id.bytes.data() + 8, 8)};
}

std::uint64_t TimeOf(const EventId& id) { return BigEndian(id.bytes.data(), 6); }

EventId MakeId(std::uint64_t time, std::uint64_t high, std::uint64_t low) {
  EventId id;
  for (std::size_t i = 0; i < 6; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(time >> (40 - 8 * i));
  }
  id.bytes[6] = static_cast<std::uint8_t>(high >> 8);
  id.bytes[7] = static_cast<std::uint8_t>(high);
  for (std::size_t i = 0; i < 8; ++i) {
    id.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  return id;
}

struct Runs {
  std::vector<Unique> begins;
  std::vector<std::uint64_t> run_of_row;
  std::vector<std::uint64_t> place_of_row;  // behind the run's begin
};

Runs FindRuns(const std::vector<Unique>& uniques) {
  std::vector<std::uint32_t> order(uniques.size());
  for (std::uint32_t row = 0; row < order.size(); ++row) order[row] = row;
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return uniques[a] < uniques[b];
  });
  Runs runs;
  runs.run_of_row.resize(uniques.size());
  runs.place_of_row.resize(uniques.size());
  Unique last;
  for (const std::uint32_t row : order) {
    const Unique& unique = uniques[row];
    if (runs.begins.empty() || unique.high != last.high || unique.low - last.low > kRunGapMax) {
      runs.begins.push_back(unique);
    }
    runs.run_of_row[row] = runs.begins.size() - 1;
    runs.place_of_row[row] = unique.low - runs.begins.back().low;
    last = unique;
  }
  return runs;
}

// Runs by when they first come, not by their random beginnings: rows near each other are then of
// runs near each other.
void OrderByRow(Runs& runs) {
  constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::vector<std::uint64_t> new_place(runs.begins.size(), kNone);
  std::vector<Unique> begins;
  begins.reserve(runs.begins.size());
  for (std::uint64_t& run : runs.run_of_row) {
    if (new_place[run] == kNone) {
      new_place[run] = begins.size();
      begins.push_back(runs.begins[run]);
    }
    run = new_place[run];
  }
  runs.begins = std::move(begins);
}

// One number a run, when all rows of a run agree.
std::optional<std::vector<std::uint64_t>> ByRun(const Runs& runs,
                                                const std::vector<std::uint64_t>& of_row) {
  std::vector<std::uint64_t> of_run(runs.begins.size());
  std::vector<bool> known(runs.begins.size());
  for (std::size_t row = 0; row < of_row.size(); ++row) {
    const std::uint64_t run = runs.run_of_row[row];
    if (!known[run]) {
      of_run[run] = of_row[row];
      known[run] = true;
    } else if (of_run[run] != of_row[row]) {
      return std::nullopt;
    }
  }
  return of_run;
}

void AppendUniques(std::string& out, const std::vector<Unique>& uniques) {
  std::vector<std::uint64_t> numbers;
  numbers.reserve(uniques.size());
  for (const Unique& unique : uniques) numbers.push_back(unique.high);
  NumberArray::Append(out, numbers);
  numbers.clear();
  for (const Unique& unique : uniques) numbers.push_back(unique.low);
  NumberArray::Append(out, numbers);
}

class PackedRowKeys final : public RowKeys {
 public:
  // Nothing when the bytes are no keys of so many rows.
  static std::shared_ptr<const PackedRowKeys> Make(std::shared_ptr<const Buffer> bytes,
                                                   std::uint32_t rows) {
    auto keys = std::make_shared<PackedRowKeys>();
    keys->bytes_ = std::move(bytes);
    keys->rows_ = rows;
    return keys->Parse() ? keys : nullptr;
  }

  std::int64_t timestamp_ms(RowIndex row) const override { return Unbiased(timestamps_[row]); }

  std::int64_t ingested_at_ms(RowIndex row) const override {
    return static_cast<std::int64_t>(ingest_source_ == Source::kRuns
                                         ? ingested_[run_of_row_[row]]
                                         : static_cast<std::uint64_t>(timestamp_ms(row)) +
                                               (ingested_[row] ^ kSign));
  }

  EventId id(RowIndex row) const override {
    const std::uint64_t time =
        (static_cast<std::uint64_t>(ingested_at_ms(row)) + id_times_[row] - kTimeBias) & kTimeMask;
    if (id_source_ == Source::kRows) return MakeId(time, highs_[row], lows_[row]);
    const std::uint64_t run = run_of_row_[row];
    return MakeId(time, highs_[run], lows_[run] + place_of_row_[row]);
  }

  RowIndex LowerBound(std::int64_t timestamp_ms) const override {
    const std::uint64_t wanted = Biased(timestamp_ms);
    RowIndex low = 0;
    RowIndex high = rows_;
    while (low < high) {
      const RowIndex middle = low + (high - low) / 2;
      if (timestamps_[middle] < wanted) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  std::size_t memory_bytes() const {
    return sizeof(*this) + bytes_->size() + timestamps_.memory_bytes() + ingested_.memory_bytes() +
           id_times_.memory_bytes() + highs_.memory_bytes() + lows_.memory_bytes() +
           run_of_row_.memory_bytes() + place_of_row_.memory_bytes();
  }

 private:
  static bool Take(ByteReader& in, std::uint64_t count, NumberArray& array) {
    std::optional<NumberArray> taken = NumberArray::Take(in, count);
    if (!taken || taken->size() != count) return false;
    array = std::move(*taken);
    return true;
  }

  bool Parse() {
    ByteReader in(bytes_->view());
    if (!Take(in, rows_, timestamps_) || !Take(in, rows_, id_times_)) return false;
    const auto id_source = in.Fixed<std::uint8_t>();
    const auto ingest_source = in.Fixed<std::uint8_t>();
    if (!in.ok() || id_source > 1 || ingest_source > 1 || ingest_source > id_source) return false;
    id_source_ = static_cast<Source>(id_source);
    ingest_source_ = static_cast<Source>(ingest_source);
    std::uint64_t runs = 0;
    if (id_source_ == Source::kRuns) {
      runs = in.Varint();
      if (runs > rows_ || !Take(in, rows_, run_of_row_) || !Take(in, rows_, place_of_row_)) {
        return false;
      }
      for (RowIndex row = 0; row < rows_; ++row) {
        if (run_of_row_[row] >= runs) return false;
      }
    }
    const std::uint64_t uniques = id_source_ == Source::kRuns ? runs : rows_;
    return Take(in, uniques, highs_) && Take(in, uniques, lows_) &&
           Take(in, ingest_source_ == Source::kRuns ? runs : rows_, ingested_) && in.AtEnd();
  }

  std::shared_ptr<const Buffer> bytes_;
  std::uint32_t rows_ = 0;
  Source id_source_ = Source::kRows;
  Source ingest_source_ = Source::kRows;
  NumberArray timestamps_;    // biased
  NumberArray ingested_;      // of runs, or differences to the timestamps of rows
  NumberArray id_times_;      // difference of the id's time to that of ingest
  NumberArray highs_;         // of runs' begins, or of rows
  NumberArray lows_;          // the same
  NumberArray run_of_row_;    // kRuns
  NumberArray place_of_row_;  // kRuns
};

}  // namespace

std::string EncodeKeys(const RowKeys& keys, std::uint32_t rows) {
  std::vector<std::uint64_t> timestamps(rows);
  std::vector<std::uint64_t> ingested(rows);
  std::vector<std::uint64_t> id_times(rows);
  std::vector<Unique> uniques(rows);
  for (RowIndex row = 0; row < rows; ++row) {
    const EventId id = keys.id(row);
    timestamps[row] = Biased(keys.timestamp_ms(row));
    ingested[row] = static_cast<std::uint64_t>(keys.ingested_at_ms(row));
    id_times[row] = (TimeOf(id) - ingested[row] + kTimeBias) & kTimeMask;
    uniques[row] = UniqueOf(id);
  }
  Runs runs = FindRuns(uniques);
  const bool by_runs = runs.begins.size() <= rows / 8;
  if (by_runs) OrderByRow(runs);
  const auto ingested_of_run =
      by_runs ? ByRun(runs, ingested) : std::optional<std::vector<std::uint64_t>>();

  std::string out;
  NumberArray::Append(out, timestamps);
  NumberArray::Append(out, id_times);
  PutFixed(out, static_cast<std::uint8_t>(by_runs ? Source::kRuns : Source::kRows));
  PutFixed(out, static_cast<std::uint8_t>(ingested_of_run ? Source::kRuns : Source::kRows));
  if (by_runs) {
    PutVarint(out, runs.begins.size());
    NumberArray::Append(out, runs.run_of_row);
    NumberArray::Append(out, runs.place_of_row);
  }
  AppendUniques(out, by_runs ? runs.begins : uniques);
  if (ingested_of_run) {
    NumberArray::Append(out, *ingested_of_run);
  } else {
    for (RowIndex row = 0; row < rows; ++row) {
      ingested[row] -= static_cast<std::uint64_t>(keys.timestamp_ms(row));
      ingested[row] ^= kSign;
    }
    NumberArray::Append(out, ingested);
  }
  return out;
}

Result<std::shared_ptr<const RowKeys>> DecodeKeys(std::shared_ptr<const Buffer> bytes,
                                                  std::uint32_t rows) {
  std::shared_ptr<const PackedRowKeys> keys = PackedRowKeys::Make(std::move(bytes), rows);
  if (keys == nullptr) {
    return Fail(ErrorCode::kCorruption, "bytes that are no keys of this segment");
  }
  return std::shared_ptr<const RowKeys>(std::move(keys));
}

std::size_t KeysMemoryBytes(const RowKeys& keys) {
  return static_cast<const PackedRowKeys&>(keys).memory_bytes();
}

}  // namespace postglass::store
