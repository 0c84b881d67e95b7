#include "store/embedded/table/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "store/embedded/table/json_text.h"
#include "store/event_reader.h"

namespace postglass::store {

namespace {

// A part of the texts read so far; numbers and bools are there as their text.
struct Piece {
  std::uint32_t begin = 0;
  std::uint32_t bytes = 0;
};

// A value of some row, and where it goes to.
struct Wanted {
  std::size_t piece;
  Code code = 0;
};

// Reads the values of some rows of one table, a column at a time.
class RowReader {
 public:
  RowReader(const Table& table, std::span<const RowIndex> rows) : table_(table), asked_(rows) {}

  Result<std::vector<Event>> Read() {
    ASSIGN_OR_RETURN(keys_, table_.Keys());
    ASSIGN_OR_RETURN(shape_of_row_, table_.ShapeOfRow());
    RETURN_IF_ERROR(PlacePieces());
    for (ColumnIndex column = 0; column < places_of_column_.size(); ++column) {
      if (!places_of_column_[column].empty()) RETURN_IF_ERROR(ReadColumn(column));
    }
    std::vector<Event> events(asked_.size());
    for (std::size_t i = 0; i < asked_.size(); ++i) Assemble(i, events[i]);
    return events;
  }

 private:
  // A row's values of one column, with pieces of their own.
  struct Place {
    std::size_t row;      // among the rows in order
    std::uint32_t entry;  // first of them among the row's pieces
    std::size_t pieces_begin;
    const Shape* shape;
  };

  const Shape& ShapeOf(std::size_t i) const { return table_.shapes()[(*shape_of_row_)[asked_[i]]]; }

  Status PlacePieces() {
    std::size_t pieces_count = 0;
    std::vector<std::size_t> order(asked_.size());
    pieces_begin_.resize(asked_.size());
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      order[i] = i;
      pieces_begin_[i] = pieces_count;
      pieces_count += ShapeOf(i).columns.size();
    }
    pieces_.resize(pieces_count);
    places_of_column_.resize(table_.columns().size());
    // Rows in order, so that values of each column come in order too.
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return asked_[a] < asked_[b];
    });
    std::vector<RowIndex> rows;
    rows.reserve(order.size());
    for (const std::size_t i : order) {
      const Shape& shape = ShapeOf(i);
      for (std::uint32_t entry = 0; entry < shape.columns.size(); ++entry) {
        std::vector<Place>& places = places_of_column_[shape.columns[entry]];
        // Of an array's values only the first is noted; ReadColumn() finds the others.
        if (!places.empty() && places.back().pieces_begin == pieces_begin_[i]) continue;
        places.push_back({rows.size(), entry, pieces_begin_[i], &shape});
      }
      rows.push_back(asked_[i]);
    }
    ASSIGN_OR_RETURN(rows_, table_.RowsAt(std::move(rows)));
    return {};
  }

  Status ReadColumn(ColumnIndex column) {
    RETURN_IF_ERROR(rows_->Read(column, values_));
    wanted_.clear();
    for (const Place& place : places_of_column_[column]) {
      const std::span<const Code> codes = values_.of(place.row);
      std::size_t next = 0;
      const std::vector<ColumnIndex>& columns = place.shape->columns;
      for (std::size_t entry = place.entry; entry < columns.size() && next < codes.size();
           ++entry) {
        if (columns[entry] != column) continue;
        wanted_.push_back({place.pieces_begin + entry, codes[next++]});
      }
    }
    std::sort(wanted_.begin(), wanted_.end(), [](const Wanted& a, const Wanted& b) {
      return a.code < b.code;
    });
    return ReadTexts(column);
  }

  Status ReadTexts(ColumnIndex column) {
    ASSIGN_OR_RETURN(const auto dictionary, table_.DictionaryOf(column));
    Piece piece;
    for (std::size_t i = 0; i < wanted_.size(); ++i) {
      if (i == 0 || wanted_[i].code != wanted_[i - 1].code) {
        piece.begin = static_cast<std::uint32_t>(texts_.size());
        RETURN_IF_ERROR(AppendValue(*dictionary, wanted_[i].code));
        piece.bytes = static_cast<std::uint32_t>(texts_.size()) - piece.begin;
      }
      pieces_[wanted_[i].piece] = piece;
    }
    return {};
  }

  // As it is written in JSON, but strings as they are.
  Status AppendValue(const Dictionary& dictionary, Code code) {
    switch (dictionary.type()) {
      case ValueType::kString:
        return dictionary.AppendText(code, texts_);
      case ValueType::kInteger: {
        ASSIGN_OR_RETURN(const auto integers, dictionary.Integers());
        fmt::format_to(std::back_inserter(texts_), "{}", integers[code]);
        return {};
      }
      case ValueType::kDouble: {
        // The skeleton tells how the number is written, so the number itself is kept here.
        ASSIGN_OR_RETURN(const auto doubles, dictionary.Doubles());
        texts_.append(reinterpret_cast<const char*>(&doubles[code]), sizeof(double));
        return {};
      }
      case ValueType::kBool:
        texts_ += dictionary.BoolAt(code) ? "true" : "false";
        return {};
    }
    return {};
  }

  std::string_view TextOf(std::size_t piece) const {
    return std::string_view(texts_).substr(pieces_[piece].begin, pieces_[piece].bytes);
  }

  void Assemble(std::size_t i, Event& event) const {
    const Shape& shape = ShapeOf(i);
    event.id = keys_->id(asked_[i]);
    event.timestamp_ms = keys_->timestamp_ms(asked_[i]);
    event.ingested_at_ms = keys_->ingested_at_ms(asked_[i]);
    std::size_t piece = pieces_begin_[i];
    for (std::string* text :
         {&event.message, &event.status, &event.service, &event.source, &event.host}) {
      *text = TextOf(piece++);
    }
    event.tags.reserve(shape.tags_count);
    for (std::uint32_t n = 0; n < shape.tags_count; ++n) event.tags.emplace_back(TextOf(piece++));
    if (shape.text == Shape::Text::kRebuilt) {
      event.attributes.clear();
      const std::size_t pieces_end = pieces_begin_[i] + shape.columns.size();
      Rebuild(shape.skeleton, piece, pieces_end, event.attributes);
    } else {
      event.attributes = TextOf(pieces_begin_[i] + shape.columns.size() - 1);
    }
  }

  // `piece` is the first of attributes, `pieces_end` the end of the row's.
  void Rebuild(std::string_view skeleton,
               std::size_t piece,
               std::size_t pieces_end,
               std::string& out) const {
    constexpr std::size_t kQuotesBytes = 2;
    std::size_t bytes = skeleton.size();
    for (std::size_t i = piece; i < pieces_end; ++i) bytes += pieces_[i].bytes + kQuotesBytes;
    out.reserve(bytes);
    while (piece < pieces_end) {
      std::size_t mark = 0;
      while (mark < skeleton.size() && !IsMark(skeleton[mark])) ++mark;
      if (mark == skeleton.size()) break;  // a damaged shape: fewer marks than columns
      out += skeleton.substr(0, mark);
      AppendScalar(skeleton[mark], TextOf(piece++), out);
      skeleton.remove_prefix(mark + 1);
    }
    out += skeleton;
  }

  static void AppendScalar(char mark, std::string_view text, std::string& out) {
    if (mark == kMarks[0]) {
      AppendJsonString(out, text);
    } else if (mark == kMarks[2] || mark == kScientificMark) {
      double number = 0;
      std::copy(text.begin(), text.end(), reinterpret_cast<char*>(&number));
      if (mark == kScientificMark) {
        AppendScientific(out, number);
      } else {
        out += NumberText(number);
      }
    } else {
      out += text;
    }
  }

  const Table& table_;
  std::span<const RowIndex> asked_;
  std::shared_ptr<const RowKeys> keys_;
  std::shared_ptr<const std::vector<std::uint16_t>> shape_of_row_;
  std::vector<std::size_t> pieces_begin_;  // of each asked row, one piece an entry of its shape
  std::vector<Piece> pieces_;
  std::vector<std::vector<Place>> places_of_column_;
  std::unique_ptr<RowsOfTable> rows_;  // those asked for, in order
  RowValues values_;                   // of the column being read
  std::vector<Wanted> wanted_;
  std::string texts_;
};

}  // namespace

Result<std::vector<Event>> ReadRows(const Table& table, std::span<const RowIndex> rows) {
  return RowReader(table, rows).Read();
}

}  // namespace postglass::store
