// A file to import, as it is, gzipped or as zstd: every line is no longer than promised, what is
// taken of it is one JSON object, and the same text comes out however the bytes are read and from
// wherever it goes on.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "main/import_entry.h"
#include "main/line_source.h"

namespace {

postglass::LineSource SourceOf(std::string_view bytes, std::size_t piece_bytes) {
  return postglass::LineSource(
      "fuzz", [bytes, piece_bytes](std::span<char> out) mutable -> postglass::Result<std::size_t> {
        const std::size_t part = std::min({bytes.size(), piece_bytes, out.size()});
        std::copy_n(bytes.begin(), part, out.begin());
        bytes.remove_prefix(part);
        return part;
      });
}

// The lines up to the end or an error, which is the last one then.
std::vector<std::string> LinesOf(postglass::LineSource& source) {
  std::vector<std::string> lines;
  for (;;) {
    auto line = source.Next();
    if (!line) {
      lines.emplace_back(postglass::ErrorCodeName(line.error().code));
      return lines;
    }
    if (!*line) return lines;
    CHECK((*line)->text.size() <= postglass::LineSource::kLineBytesMax);
    lines.push_back(std::move((*line)->text));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto whole = SourceOf(bytes, SIZE_MAX);
  const std::vector<std::string> lines = LinesOf(whole);
  auto bytewise = SourceOf(bytes, 1);
  CHECK(LinesOf(bytewise) == lines);
  auto again = SourceOf(bytes, 100);
  if (const auto first = again.Next(); first && *first) {
    auto behind = SourceOf(bytes, SIZE_MAX);
    CHECK(behind.Skip(again.text_bytes()).has_value());
    const std::vector<std::string> rest = LinesOf(behind);
    CHECK(std::equal(rest.begin(), rest.end(), lines.begin() + 1, lines.end()));
  }
  for (const std::string& line : lines) {
    const auto entry = postglass::ImportEntry(line);
    CHECK(!entry || postglass::json::ParseObject(*entry).has_value());
  }
  return 0;
}
