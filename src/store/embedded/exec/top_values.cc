#include "store/embedded/exec/top_values.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>

#include "store/embedded/exec/merged_values.h"
#include "store/plan_rules.h"

namespace postglass::store {

namespace {

// So many values are merged at once without further thought.
constexpr std::uint64_t kMergedAtOnceMax = 4'096;
// More candidates than these are as much work as merging everything.
constexpr std::size_t kCandidatesMax = 65'536;

// An answer that stopped at a table that cannot be read.
struct Unreadable {
  const ColumnCounts* column = nullptr;
  Error error;
};

// The threshold algorithm. A value whose count is below T in each of m places has a total of at
// most m(T - 1), so with T = ceil(bound / m) it is below the bound. As bound serves the n-th
// highest of what is known of some totals: n values are at least as high.
class Threshold {
 public:
  Threshold(const ValueTotals& totals, std::size_t limit) : totals_(totals), limit_(limit) {
    for (const auto& [text, count] : totals.by_text) by_text_.push_back({&text, count});
    std::sort(by_text_.begin(), by_text_.end(), [](const auto& a, const auto& b) {
      return a.second > b.second;
    });
  }

  // Nothing: too many candidates, or a table is unreadable().
  std::optional<std::vector<ValueCount>> Run() {
    const std::size_t places = totals_.columns.size() + 1;
    for (std::size_t c = 0; c < totals_.columns.size(); ++c) {
      if (!Add(c, HighestOf(totals_.columns[c]))) return std::nullopt;
    }
    for (std::size_t i = 0; i < std::min(limit_, by_text_.size()); ++i) AddText(i);
    const std::uint64_t bound = Bound();
    const std::uint64_t threshold = (bound + places - 1) / places;
    if (threshold <= 1) return std::nullopt;
    for (std::size_t c = 0; c < totals_.columns.size(); ++c) {
      if (!Add(c, AtLeast(totals_.columns[c], threshold))) return std::nullopt;
    }
    for (std::size_t i = 0; i < by_text_.size() && by_text_[i].second >= threshold; ++i) AddText(i);
    if (candidates_.size() > kCandidatesMax) return std::nullopt;
    return Exact(threshold, Bound());
  }

  const Unreadable& unreadable() const { return unreadable_; }

 private:
  struct Candidate {
    std::uint64_t known = 0;
    std::vector<std::uint64_t> seen;  // a bit a place
    std::size_t seen_count = 0;
  };

  using Found = std::vector<std::pair<std::uint32_t, Code>>;

  // The limit_ highest counts of a column, or all.
  Found HighestOf(const ColumnCounts& column) {
    Found heap;  // the lowest in front
    std::uint32_t count_min = 1;
    column.ForEachAbove(count_min, [&](Code code, std::uint32_t count) {
      if (heap.size() == limit_) {
        std::pop_heap(heap.begin(), heap.end(), std::greater<>());
        heap.back() = {count, code};
      } else {
        heap.emplace_back(count, code);
      }
      std::push_heap(heap.begin(), heap.end(), std::greater<>());
      if (heap.size() == limit_) count_min = heap.front().first + 1;
    });
    return heap;
  }

  // Those of a column that have at least this count; too many end the search.
  Found AtLeast(const ColumnCounts& column, std::uint64_t threshold) {
    Found found;
    std::uint32_t count_min = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(threshold, std::numeric_limits<std::uint32_t>::max()));
    column.ForEachAbove(count_min, [&](Code code, std::uint32_t count) {
      if (found.size() <= kCandidatesMax) found.emplace_back(count, code);
    });
    return found;
  }

  void Add(std::size_t place, const std::string& text, std::uint64_t count) {
    Candidate& candidate = candidates_[text];
    candidate.seen.resize(totals_.columns.size() / 64 + 1);
    std::uint64_t& word = candidate.seen[place / 64];
    const std::uint64_t bit = std::uint64_t{1} << (place % 64);
    if ((word & bit) != 0) return;
    word |= bit;
    ++candidate.seen_count;
    candidate.known += count;
  }

  void AddText(std::size_t i) {
    Add(totals_.columns.size(), *by_text_[i].first, by_text_[i].second);
  }

  // False: too many, or unreadable.
  bool Add(std::size_t place, const Found& found) {
    const ColumnCounts& column = totals_.columns[place];
    if (found.size() > kCandidatesMax) return false;
    std::string text;
    for (const auto& [count, code] : found) {
      text.clear();
      if (Status status = AppendValueText(*column.dictionary, column.column, code, text); !status) {
        unreadable_ = {&column, status.error()};
        return false;
      }
      Add(place, text, count);
    }
    return true;
  }

  // The limit_-th highest known count; 0 when there are fewer.
  std::uint64_t Bound() const {
    if (candidates_.size() < limit_) return 0;
    std::vector<std::uint64_t> known;
    for (const auto& [text, candidate] : candidates_) known.push_back(candidate.known);
    const auto nth = known.begin() + static_cast<std::ptrdiff_t>(limit_ - 1);
    std::nth_element(known.begin(), nth, known.end(), std::greater<>());
    return *nth;
  }

  std::optional<std::vector<ValueCount>> Exact(std::uint64_t threshold, std::uint64_t bound) {
    const std::size_t places = totals_.columns.size() + 1;
    std::vector<ValueCount> values;
    for (const auto& [text, candidate] : candidates_) {
      const std::uint64_t rest_max = (places - candidate.seen_count) * (threshold - 1);
      if (candidate.known + rest_max < bound) continue;
      std::uint64_t total = candidate.known;
      const auto seen = [&seen_bits = candidate.seen](std::size_t place) {
        return (seen_bits[place / 64] >> (place % 64) & 1) != 0;
      };
      for (std::size_t c = 0; c < totals_.columns.size(); ++c) {
        if (seen(c)) continue;
        const Result<std::uint64_t> count = totals_.columns[c].CountOfText(text);
        if (!count) {
          unreadable_ = {&totals_.columns[c], count.error()};
          return std::nullopt;
        }
        total += *count;
      }
      if (!seen(totals_.columns.size())) {
        const auto found = totals_.by_text.find(text);
        if (found != totals_.by_text.end()) total += found->second;
      }
      values.push_back({text, total});
    }
    SortTopValues(values, limit_);
    return values;
  }

  const ValueTotals& totals_;
  const std::size_t limit_;
  std::vector<std::pair<const std::string*, std::uint64_t>> by_text_;  // highest first
  std::unordered_map<std::string, Candidate> candidates_;
  Unreadable unreadable_;
};

// Keeps the highest of values that come in any order.
class Highest {
 public:
  Highest(std::size_t limit, MemoryBudget& budget) : limit_(limit), budget_(budget) {}

  void Add(std::string_view text, std::uint64_t count) {
    if (limit_ == 0) return;
    if (values_.size() == limit_) {
      const ValueCount& worst = values_.front();
      if (count < worst.count || (count == worst.count && text >= worst.value)) return;
      std::pop_heap(values_.begin(), values_.end(), Before);
      budget_.Remove(values_.back().value.size());
      values_.back() = {std::string(text), count};
    } else {
      budget_.Add(sizeof(ValueCount));
      values_.push_back({std::string(text), count});
    }
    budget_.Add(text.size());
    std::push_heap(values_.begin(), values_.end(), Before);
  }

  std::vector<ValueCount> Take() {
    SortTopValues(values_);
    return std::move(values_);
  }

 private:
  static bool Before(const ValueCount& a, const ValueCount& b) {
    return a.count != b.count ? a.count > b.count : a.value < b.value;
  }

  const std::size_t limit_;
  MemoryBudget& budget_;
  std::vector<ValueCount> values_;  // a heap, the worst in front
};

}  // namespace

Result<TotalsAnswer<std::vector<ValueCount>>> TopValues(const ValueTotals& totals,
                                                        std::size_t limit,
                                                        const Plan& plan,
                                                        MemoryBudget& budget) {
  TotalsAnswer<std::vector<ValueCount>> result;
  if (limit == 0) return result;
  std::uint64_t values = totals.by_text.size();
  for (const ColumnCounts& column : totals.columns) values += column.used;
  if (values > kMergedAtOnceMax && limit < kMergedAtOnceMax) {
    Threshold threshold(totals, limit);
    std::optional<std::vector<ValueCount>> top = threshold.Run();
    if (threshold.unreadable().column != nullptr) {
      result.unreadable = threshold.unreadable().column;
      result.error = threshold.unreadable().error;
      return result;
    }
    if (top) {
      result.answer = std::move(*top);
      return result;
    }
  }
  Highest highest(limit, budget);
  ASSIGN_OR_RETURN(
      const auto failed,
      ForEachMergedValue(totals, plan, budget, [&](std::string_view text, std::uint64_t count) {
        highest.Add(text, count);
      }));
  RETURN_IF_ERROR(budget.Check());
  if (failed) {
    result.unreadable = failed->column;
    result.error = failed->error;
  } else {
    result.answer = highest.Take();
  }
  return result;
}

Result<TotalsAnswer<std::uint64_t>> CountDistinct(const ValueTotals& totals,
                                                  const Plan& plan,
                                                  MemoryBudget& budget) {
  TotalsAnswer<std::uint64_t> result;
  if (totals.by_text.empty() && totals.columns.size() == 1) {
    result.answer = totals.columns[0].used;
    return result;
  }
  ASSIGN_OR_RETURN(const auto failed,
                   ForEachMergedValue(totals, plan, budget, [&](std::string_view, std::uint64_t) {
                     ++result.answer;
                   }));
  if (failed) {
    result.unreadable = failed->column;
    result.error = failed->error;
  }
  return result;
}

}  // namespace postglass::store
