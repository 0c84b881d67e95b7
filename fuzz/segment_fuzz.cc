// The decoders of the store's files. The first byte chooses which: checksums would stop nearly
// every input at the door, so each is also entered behind them.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "store/coding.h"
#include "store/embedded/batch_codec.h"
#include "store/embedded/deletions.h"
#include "store/embedded/key_files.h"
#include "store/embedded/manifest.h"
#include "store/embedded/segment/segment_file.h"
#include "store/embedded/table/row_reader.h"
#include "store/hash.h"

namespace postglass::store {
namespace {

constexpr std::uint64_t kSegmentId = 1;

// The input with the checksum that it should end with.
std::string Sealed(std::string_view bytes) {
  std::string sealed(bytes);
  PutFixed(sealed, Hash64(bytes));
  return sealed;
}

// A file system that holds one file, whatever its name.
class OneFileSystem final : public FileSystem {
 public:
  explicit OneFileSystem(std::string_view bytes) : bytes_(bytes) {}

  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const Path&) const override {
    return std::unique_ptr<RandomAccessFile>(std::make_unique<OneFile>(bytes_));
  }

  Result<std::uint64_t> FileSize(const Path&) const override { return bytes_.size(); }

  bool Exists(const Path&) const override { return true; }

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const Path&, WriteMode) override {
    return Refused();
  }

  Status Rename(const Path&, const Path&) override { return Refused(); }

  Status Link(const Path&, const Path&) override { return Refused(); }

  Status Remove(const Path&) override { return Refused(); }

  Status CreateDirectories(const Path&) override { return Refused(); }

  Status SyncDirectory(const Path&) override { return Refused(); }

  Result<std::vector<std::string>> List(const Path&) const override { return Refused(); }

  Result<std::unique_ptr<FileLock>> Lock(const Path&) override { return Refused(); }

  Result<Space> DiskSpace(const Path&) const override { return Refused(); }

 private:
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

  static tl::unexpected<Error> Refused() { return Fail(ErrorCode::kUnsupported, "reads only"); }

  std::string_view bytes_;
};

// A whole file, read as the store reads it: all that it says it has.
void ReadSegment(std::string_view bytes) {
  const OneFileSystem fs(bytes);
  BlockCache cache(1 << 20);
  const auto segment = Segment::Open(fs, "/", kSegmentId, cache);
  if (!segment) return;
  static_cast<void>((*segment)->Verify());
  static_cast<void>((*segment)->Inspect());
  constexpr RowIndex kRowsMax = 64;
  std::vector<RowIndex> rows(std::min((*segment)->info().rows, kRowsMax));
  std::iota(rows.begin(), rows.end(), RowIndex{0});
  static_cast<void>(ReadRows(**segment, rows).has_value());
  for (const char* word : {"word", "w0rd"}) {
    static_cast<void>((*segment)->FindWord(word).has_value());
  }
  for (ColumnIndex column = 0; column < (*segment)->columns().size(); ++column) {
    static_cast<void>((*segment)->CountsOf(column).has_value());
    static_cast<void>((*segment)->MayHoldFolded(column, "word").has_value());
  }
}

}  // namespace
}  // namespace postglass::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass::store;
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 5) {
    case 0:
      ReadSegment(bytes);
      break;
    case 1:
      static_cast<void>(DecodeManifest(Sealed(bytes)).has_value());
      break;
    case 2:
      static_cast<void>(DecodeDeletions(Sealed(bytes), kSegmentId).has_value());
      break;
    case 3:
      static_cast<void>(DecodeKeyFile(Sealed(bytes)).has_value());
      break;
    default:
      static_cast<void>(DecodeBatch(bytes).has_value());
      break;
  }
  return 0;
}
