#include "store/embedded/exec/merged_values.h"

#include <algorithm>
#include <vector>

#include "store/embedded/table/loser_tree.h"

namespace postglass::store {

namespace {

constexpr std::size_t kBatchValues = 256;
constexpr std::size_t kValuesBetweenStopChecks = 4'096;
// A batch of codes this many times apart is read one by one.
constexpr std::size_t kSpanFactor = 8;

// The values of one column with a count, ascending by text, read a batch at a time.
class ValueRun {
 public:
  explicit ValueRun(const ColumnCounts& counts) : counts_(counts), next_code_(counts.begin) {}

  Status Start() { return Fill(); }

  bool done() const { return at_ == codes_.size(); }

  std::string_view text() const {
    const std::size_t begin = at_ == 0 ? 0 : ends_[at_ - 1];
    return std::string_view(texts_).substr(begin, ends_[at_] - begin);
  }

  std::uint64_t count() const { return codes_[at_].second; }

  Status Advance() {
    if (++at_ < codes_.size()) return {};
    return Fill();
  }

  const ColumnCounts& counts() const { return counts_; }

 private:
  Status Fill() {
    codes_.clear();
    texts_.clear();
    ends_.clear();
    at_ = 0;
    const std::vector<std::uint32_t>& counts = *counts_.counts;
    for (; next_code_ < counts_.end && codes_.size() < kBatchValues; ++next_code_) {
      if (counts[next_code_] != 0) codes_.emplace_back(next_code_, counts[next_code_]);
    }
    if (codes_.empty()) return {};
    const std::size_t skip = counts_.column.prefix.size();
    if (codes_.back().first - codes_.front().first < codes_.size() * kSpanFactor) {
      std::size_t i = 0;
      return counts_.dictionary->ForEachText(
          codes_.front().first, codes_.back().first + 1, [&](Code code, std::string_view text) {
            if (code != codes_[i].first) return true;
            texts_ += text.substr(skip);
            ends_.push_back(texts_.size());
            return ++i < codes_.size();
          });
    }
    for (const auto& [code, count] : codes_) {
      RETURN_IF_ERROR(AppendValueText(*counts_.dictionary, counts_.column, code, texts_));
      ends_.push_back(texts_.size());
    }
    return {};
  }

  const ColumnCounts& counts_;
  Code next_code_ = 0;
  std::vector<std::pair<Code, std::uint32_t>> codes_;
  std::string texts_;
  std::vector<std::size_t> ends_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::optional<MergeFailure>> ForEachMergedValue(
    const ValueTotals& totals,
    const Plan& plan,
    MemoryBudget& budget,
    FunctionRef<void(std::string_view, std::uint64_t)> visit) {
  using Failure = std::optional<MergeFailure>;
  ValueCounts gathered = totals.by_text;
  std::vector<ValueRun> runs;
  std::string text;
  for (const ColumnCounts& column : totals.columns) {
    if (column.in_text_order()) {
      runs.emplace_back(column);
      if (Status status = runs.back().Start(); !status) return Failure({&column, status.error()});
      continue;
    }
    Status status;
    column.ForEach([&](Code code, std::uint32_t count) {
      if (!status) return;
      text.clear();
      status = AppendValueText(*column.dictionary, column.column, code, text);
      if (status) AddCount(gathered, text, count, budget);
    });
    if (!status) return Failure({&column, status.error()});
    RETURN_IF_ERROR(budget.Check());
  }
  if (!runs.empty()) {
    const auto before = [&runs](std::size_t a, std::size_t b) {
      if (runs[a].done() || runs[b].done()) return !runs[a].done();
      return runs[a].text() < runs[b].text();
    };
    LoserTree tree(runs.size(), before);
    std::size_t visited = 0;
    while (!runs[tree.winner()].done()) {
      if (visited++ % kValuesBetweenStopChecks == 0) {
        RETURN_IF_ERROR(CheckStop(plan));
        RETURN_IF_ERROR(budget.Check());  // of what `visit` keeps
      }
      text.assign(runs[tree.winner()].text());
      std::uint64_t total = 0;
      while (!runs[tree.winner()].done() && runs[tree.winner()].text() == text) {
        ValueRun& run = runs[tree.winner()];
        total += run.count();
        if (Status status = run.Advance(); !status) return Failure({&run.counts(), status.error()});
        tree.Replay();
      }
      if (!gathered.empty()) {
        const auto found = gathered.find(text);
        if (found != gathered.end()) {
          total += found->second;
          gathered.erase(found);
        }
      }
      visit(text, total);
    }
  }
  for (const auto& [value, count] : gathered) visit(value, count);
  return Failure();
}

}  // namespace postglass::store
