#include "store/embedded/exec/measure_states.h"

#include <algorithm>
#include <cmath>

namespace postglass::store {

namespace {

std::optional<double> Finite(double number) {
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

}  // namespace

void MeasureStates::Numbers::Add(double number, std::uint64_t n) {
  min = count == 0 ? number : std::min(min, number);
  max = count == 0 ? number : std::max(max, number);
  count += n;
  sum += number * static_cast<double>(n);
}

void MeasureStates::Numbers::Merge(const Numbers& other) {
  if (other.count == 0) return;
  min = count == 0 ? other.min : std::min(min, other.min);
  max = count == 0 ? other.max : std::max(max, other.max);
  count += other.count;
  sum += other.sum;
}

void MeasureStates::Resize(std::size_t cells) {
  switch (family_) {
    case Family::kCount:
      counts_.resize(cells);
      break;
    case Family::kNumbers:
      numbers_.resize(cells);
      break;
    case Family::kQuantiles:
      quantiles_.resize(cells);
      break;
    case Family::kDistinct:
      distinct_.resize(cells);
      break;
  }
}

void MeasureStates::AddNumber(std::size_t cell,
                              double number,
                              QuantileSketch::Place place,
                              std::uint64_t count) {
  if (family_ == Family::kNumbers) {
    numbers_[cell].Add(number, count);
  } else {
    quantiles_[cell].Add(number, place, count);
  }
}

std::size_t MeasureStates::Merge(std::size_t cell,
                                 const MeasureStates& from,
                                 std::size_t from_cell) {
  const auto grown = [](auto& into, const auto& other) {
    const std::size_t before = into.memory_bytes();
    into.Merge(other);
    return std::max(into.memory_bytes(), before) - before;
  };
  switch (family_) {
    case Family::kCount:
      counts_[cell] += from.counts_[from_cell];
      return 0;
    case Family::kNumbers:
      numbers_[cell].Merge(from.numbers_[from_cell]);
      return 0;
    case Family::kQuantiles:
      return grown(quantiles_[cell], from.quantiles_[from_cell]);
    case Family::kDistinct:
      return grown(distinct_[cell], from.distinct_[from_cell]);
  }
  return 0;
}

std::optional<double> MeasureStates::Value(std::size_t cell, const Measure& measure) {
  if (family_ == Family::kCount) return static_cast<double>(counts_[cell]);
  if (family_ == Family::kDistinct) return static_cast<double>(distinct_[cell].Estimate());
  if (family_ == Family::kQuantiles) {
    if (quantiles_[cell].count() == 0) return std::nullopt;
    return quantiles_[cell].Quantile(measure.quantile);
  }
  const Numbers& numbers = numbers_[cell];
  if (numbers.count == 0) return std::nullopt;
  switch (measure.kind) {
    case Measure::Kind::kMin:
      return numbers.min;
    case Measure::Kind::kMax:
      return numbers.max;
    case Measure::Kind::kAverage:
      return Finite(numbers.sum / static_cast<double>(numbers.count));
    default:
      return Finite(numbers.sum);
  }
}

std::size_t MeasureStates::CellBytes(Family family) {
  switch (family) {
    case Family::kCount:
      return sizeof(std::uint64_t);
    case Family::kNumbers:
      return sizeof(Numbers);
    case Family::kQuantiles:
      return sizeof(QuantileSketch);
    case Family::kDistinct:
      return sizeof(DistinctSketch);
  }
  return 0;
}

std::size_t MeasureStates::memory_bytes() const {
  std::size_t bytes = counts_.size() * sizeof(counts_[0]) + numbers_.size() * sizeof(numbers_[0]);
  for (const QuantileSketch& sketch : quantiles_) bytes += sizeof(sketch) + sketch.memory_bytes();
  for (const DistinctSketch& sketch : distinct_) bytes += sizeof(sketch) + sketch.memory_bytes();
  return bytes;
}

}  // namespace postglass::store
