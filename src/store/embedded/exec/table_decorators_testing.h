#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "store/embedded/table/table.h"
#include "store/text.h"

// Tables around tables, for tests of what executes plans over them.

namespace postglass::store {

class ForwardingTable : public Table {
 public:
  explicit ForwardingTable(std::shared_ptr<const Table> inner) : inner_(std::move(inner)) {}

  const TableInfo& info() const override { return inner_->info(); }

  std::string Name() const override { return inner_->Name(); }

  std::span<const ColumnInfo> columns() const override { return inner_->columns(); }

  std::span<const Shape> shapes() const override { return inner_->shapes(); }

  Result<std::shared_ptr<const RowKeys>> Keys() const override { return inner_->Keys(); }

  Result<std::shared_ptr<const std::vector<std::uint16_t>>> ShapeOfRow() const override {
    return inner_->ShapeOfRow();
  }

  Result<std::shared_ptr<const Layout>> LayoutOf(ColumnIndex column) const override {
    return inner_->LayoutOf(column);
  }

  Result<std::shared_ptr<const Codes>> CodesOf(ColumnIndex column) const override {
    return inner_->CodesOf(column);
  }

  Result<std::shared_ptr<const Dictionary>> DictionaryOf(ColumnIndex column) const override {
    return inner_->DictionaryOf(column);
  }

  Result<std::shared_ptr<const std::vector<std::uint32_t>>> CountsOf(
      ColumnIndex column) const override {
    return inner_->CountsOf(column);
  }

  Result<std::uint32_t> CountOf(ColumnIndex column, Code code) const override {
    return inner_->CountOf(column, code);
  }

  Result<bool> MayHoldFolded(ColumnIndex column, std::string_view folded) const override {
    return inner_->MayHoldFolded(column, folded);
  }

  Result<WordHits> FindWord(std::string_view folded_word) const override {
    return inner_->FindWord(folded_word);
  }

 private:
  std::shared_ptr<const Table> inner_;
};

// Answers about words and folded texts exactly, as a segment with a token index and filters does.
class IndexedTable final : public ForwardingTable {
 public:
  using ForwardingTable::ForwardingTable;

  Result<bool> MayHoldFolded(ColumnIndex column, std::string_view folded) const override {
    if (columns()[column].key.type != ValueType::kString) return true;
    return !CodesWhere(column, [&](const std::string& text) { return text == folded; }).empty();
  }

  Result<WordHits> FindWord(std::string_view folded_word) const override {
    WordHits hits;
    hits.columns.resize(columns().size());
    for (ColumnIndex column = 0; column < columns().size(); ++column) {
      if (columns()[column].key.type != ValueType::kString) continue;
      std::vector<Code> codes = CodesWhere(column, [&](const std::string& text) {
        Words rest(text);
        for (auto word = rest.Next(); !word.empty(); word = rest.Next()) {
          if (word == folded_word) return true;
        }
        return false;
      });
      WordHits::OfColumn& of = hits.columns[column];
      of.kind = codes.empty() ? WordHits::Kind::kNone : WordHits::Kind::kSome;
      if (!codes.empty()) of.codes = std::make_shared<const std::vector<Code>>(std::move(codes));
    }
    return hits;
  }

 private:
  template <class F>
  std::vector<Code> CodesWhere(ColumnIndex column, F&& holds) const {
    const auto dictionary = *DictionaryOf(column);
    std::vector<Code> codes;
    const Status status =
        dictionary->ForEachText(0, dictionary->size(), [&](Code code, std::string_view text) {
          if (holds(Fold(text))) codes.push_back(code);
          return true;
        });
    return status ? codes : std::vector<Code>();
  }
};

// Tells of each dictionary that is asked for.
class CallingTable final : public ForwardingTable {
 public:
  CallingTable(std::shared_ptr<const Table> inner, std::function<void()> call)
      : ForwardingTable(std::move(inner)), call_(std::move(call)) {}

  Result<std::shared_ptr<const Dictionary>> DictionaryOf(ColumnIndex column) const override {
    call_();
    return ForwardingTable::DictionaryOf(column);
  }

 private:
  std::function<void()> call_;
};

// Fails from the n-th read on, as a segment on a bad disk does.
class BrokenTable final : public ForwardingTable {
 public:
  BrokenTable(std::shared_ptr<const Table> inner, int reads_before)
      : ForwardingTable(std::move(inner)), reads_left_(reads_before) {}

  std::string Name() const override { return "segment 17"; }

  Result<std::shared_ptr<const RowKeys>> Keys() const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::Keys();
  }

  Result<std::shared_ptr<const std::vector<std::uint16_t>>> ShapeOfRow() const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::ShapeOfRow();
  }

  Result<std::shared_ptr<const Layout>> LayoutOf(ColumnIndex column) const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::LayoutOf(column);
  }

  Result<std::shared_ptr<const Codes>> CodesOf(ColumnIndex column) const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::CodesOf(column);
  }

  Result<std::shared_ptr<const Dictionary>> DictionaryOf(ColumnIndex column) const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::DictionaryOf(column);
  }

  Result<std::shared_ptr<const std::vector<std::uint32_t>>> CountsOf(
      ColumnIndex column) const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::CountsOf(column);
  }

  Result<std::uint32_t> CountOf(ColumnIndex column, Code code) const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::CountOf(column, code);
  }

  Result<bool> MayHoldFolded(ColumnIndex column, std::string_view folded) const override {
    RETURN_IF_ERROR(Read());
    return ForwardingTable::MayHoldFolded(column, folded);
  }

  // Whether a read failed.
  bool failed() const { return reads_left_ < 0; }

 private:
  Status Read() const {
    if (--reads_left_ >= 0) return {};
    return Fail(ErrorCode::kCorruption, "block 3 has a wrong checksum");
  }

  mutable std::atomic<int> reads_left_;
};

}  // namespace postglass::store
