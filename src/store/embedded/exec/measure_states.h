#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "store/distinct_sketch.h"
#include "store/embedded/exec/compiled_groups.h"
#include "store/quantile_sketch.h"

namespace postglass::store {

// What one accumulator has gathered, by cell: a group, or a bucket of one. Not thread-safe.
class MeasureStates {
 public:
  using Family = CompiledGroups::Family;

  explicit MeasureStates(Family family) : family_(family) {}

  Family family() const { return family_; }

  void Resize(std::size_t cells);

  // kCount.
  std::vector<std::uint64_t>& counts() { return counts_; }

  // kNumbers, kQuantiles.
  void AddNumber(std::size_t cell, double number, QuantileSketch::Place place, std::uint64_t count);

  // kDistinct.
  void AddHash(std::size_t cell, std::uint64_t hash) { distinct_[cell].Add(hash); }

  // Adds another's cell to one of this. Returns by how many bytes this has grown.
  std::size_t Merge(std::size_t cell, const MeasureStates& from, std::size_t from_cell);

  // Nothing when there is no number, or none that a double holds.
  std::optional<double> Value(std::size_t cell, const Measure& measure);

  // What a cell takes before anything is in it.
  static std::size_t CellBytes(Family family);
  // What all cells take.
  std::size_t memory_bytes() const;

 private:
  struct Numbers {
    std::uint64_t count = 0;
    double sum = 0;
    double min = 0;
    double max = 0;

    void Add(double number, std::uint64_t n);
    void Merge(const Numbers& other);
  };

  Family family_;
  std::vector<std::uint64_t> counts_;
  std::vector<Numbers> numbers_;
  std::vector<QuantileSketch> quantiles_;
  std::vector<DistinctSketch> distinct_;
};

}  // namespace postglass::store
