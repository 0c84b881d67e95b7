#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "store/embedded/table/column.h"
#include "store/embedded/table/flattener.h"
#include "store/embedded/table/shape.h"
#include "store/function_ref.h"

namespace postglass::store {

// The place in the table under construction that was given out last for a known skeleton.
struct LastShape {
  std::uint64_t table = 0;
  Shape::Text text = Shape::Text::kOpaque;
  std::uint32_t tags_count = 0;
  std::uint16_t index = 0;
};

struct KnownColumn {
  const ColumnKey* key = nullptr;
  std::uint64_t table = 0;  // the last table that it was in, and its slot there
  std::uint32_t slot = 0;
};

struct KnownShape {
  MarkedSkeleton skeleton;
  std::vector<KnownColumn*> columns;  // of each mark
  std::uint64_t table = 0;            // the last table that it was in
  std::vector<std::uint32_t> slots;   // there, of each mark
  LastShape last;
};

// The skeletons that a builder has seen and found to be good, with the columns of their marks. To
// know a skeleton costs a hash; to learn one costs a parse and a look-up for each path. Bounded:
// forgets everything when full, between tables.
class ShapeRegistry {
 public:
  // Shapes and columns are of the table begun last; pointers live until the next call.
  void BeginTable();

  std::uint64_t table() const { return table_; }

  // The shape that a text with so many tokens had last; null when there was none. It has as many
  // tokens.
  KnownShape* Guess(std::uint32_t tokens_count) const {
    KnownShape* shape = guesses_[tokens_count % kGuesses];
    return shape != nullptr && shape->skeleton.tokens_count == tokens_count ? shape : nullptr;
  }

  // The shape of what was cut last, learned when it is new; null when it is not good, or when one
  // table has brought too many.
  KnownShape* Find(Flattener& flattener, std::uint32_t tokens_count);

  // Gives the shape its slots in this table. False, and nothing done, when it would bring more than
  // `columns_max` new columns.
  bool EnterTable(KnownShape& shape,
                  std::uint32_t columns_max,
                  FunctionRef<std::uint32_t(const ColumnKey&)> make_slot);

 private:
  static constexpr std::size_t kGuesses = 512;

  KnownShape* Learn(Flattener& flattener, std::uint32_t tokens_count, std::uint64_t hash);

  std::uint64_t table_ = 0;
  std::uint32_t learned_in_table_ = 0;
  std::size_t bytes_ = 0;
  std::size_t bytes_at_begin_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<KnownShape>> shapes_;  // by hash of skeleton
  std::array<KnownShape*, kGuesses> guesses_{};                            // by number of tokens
  std::map<ColumnKey, KnownColumn> columns_;
};

}  // namespace postglass::store
