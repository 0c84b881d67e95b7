// The decoders of the store's files. The first byte chooses which: checksums would stop nearly
// every input at the door, so each is also entered behind them.

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/block.h"
#include "store/coding.h"
#include "store/compress.h"
#include "store/embedded/dedup_window.h"
#include "store/embedded/deletions.h"
#include "store/hash.h"
#include "store/embedded/key_filter.h"
#include "store/embedded/manifest.h"
#include "store/embedded/segment.h"
#include "store/event_reader.h"

namespace postglass::store {
namespace {

constexpr std::uint64_t kSegmentId = 7;

// The input with the checksum that it should end with.
std::string Sealed(std::string_view bytes) {
  std::string sealed(bytes);
  PutFixed(sealed, Hash64(bytes));
  return sealed;
}

// A block whose section holds the input, checksums right: what a writer with a fault could leave.
void DecodeBlock(Section section, std::uint32_t rows, std::string_view raw) {
  const std::string frame = Compress(raw, 1);
  BlockInfo info;
  info.rows = rows;
  info.sections[static_cast<std::size_t>(section)] = {static_cast<std::uint32_t>(frame.size()),
                                                      static_cast<std::uint32_t>(raw.size()),
                                                      Hash64(frame)};
  const std::string keys(std::size_t{rows} * 18, '\0');
  const std::string keys_frame = Compress(keys, 1);
  if (section != Section::kKeys) {
    info.sections[0] = {static_cast<std::uint32_t>(keys_frame.size()),
                        static_cast<std::uint32_t>(keys.size()),
                        Hash64(keys_frame)};
  }
  DecodedBlock block;
  block.Reset(info);
  if (section != Section::kKeys && !block.Decode(Section::kKeys, keys_frame)) std::abort();
  if (!block.Decode(section, frame)) return;
  EventReader reader;
  std::size_t values = 0;
  for (std::uint32_t row = 0; row < rows; ++row) {
    reader.Reset(block.View(row));
    reader.ForEachAttribute([&](std::string_view, const ValueView&) { ++values; });
    static_cast<void>(ToEvent(reader.event()));
  }
}

// A whole file, read as the store reads it.
class OneFile final : public RandomAccessFile {
 public:
  explicit OneFile(std::string_view bytes) : bytes_(bytes) {}

  Result<std::size_t> Read(std::uint64_t offset_bytes, std::span<char> out) const override {
    if (offset_bytes >= bytes_.size()) return std::size_t{0};
    return bytes_.copy(out.data(), out.size(), offset_bytes);
  }

  Result<std::uint64_t> Size() const override { return bytes_.size(); }

  const std::string& name() const override { return name_; }

 private:
  std::string_view bytes_;
  std::string name_ = "fuzz";
};

void ReadSegment(std::string_view bytes) {
  const Result<std::shared_ptr<const Segment>> segment =
      Segment::FromFile(std::make_unique<OneFile>(bytes), kSegmentId);
  if (!segment) return;
  static_cast<void>((*segment)->ReadFilters().has_value());
  DecodedBlock block;
  std::string compressed;
  for (std::size_t i = 0; i < (*segment)->info().blocks.size(); ++i) {
    block.Reset((*segment)->info().blocks[i]);
    for (const Section section : {Section::kKeys, Section::kFields, Section::kAttributes}) {
      if (!(*segment)->ReadSection(i, section, compressed)) continue;
      static_cast<void>(block.Decode(section, compressed).has_value());
    }
  }
}

}  // namespace
}  // namespace postglass::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass::store;
  if (size < 2) return 0;
  const unsigned choice = data[0] % 10;
  const std::uint32_t rows = 1 + data[1] % 8U;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  switch (choice) {
    case 0:
      ReadSegment(bytes);
      break;
    case 1:
      static_cast<void>(DecodeSegmentFooter(bytes, 1 << 20).has_value());
      break;
    case 2:
      static_cast<void>(DecodeManifest(Sealed(bytes)).has_value());
      break;
    case 3:
      static_cast<void>(DecodeDeletions(Sealed(bytes), kSegmentId).has_value());
      break;
    case 4:
      static_cast<void>(DecodeKeyFile(Sealed(bytes)).has_value());
      break;
    case 5:
      static_cast<void>(DecodeBatch(bytes).has_value());
      break;
    case 6:
      DecodeBlock(Section::kKeys, rows, bytes);
      break;
    case 7:
      DecodeBlock(Section::kFields, rows, bytes);
      break;
    case 8:
      DecodeBlock(Section::kAttributes, rows, bytes);
      break;
    default:
      static_cast<void>(MayContain(bytes, Hash64(bytes)));
      break;
  }
  return 0;
}
