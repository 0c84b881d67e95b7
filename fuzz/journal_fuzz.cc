// Recovery and decoding of journal files. The first byte chooses what the rest is: the files of a
// journal as they are, a frame body behind checksums that hold (which random bytes would never get
// past), or both: a good frame with the rest behind it.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/file_system.h"
#include "journal/format.h"
#include "journal/frame_encoder.h"
#include "journal/frame_scanner.h"
#include "journal/recovery.h"

namespace postglass::journal {
namespace {

constexpr FileId kId{0x0123456789ABCDEF};
constexpr FileId kSecondId{0x1123456789ABCDEF};
constexpr std::uint32_t kRawBytesMax = 1 << 20;  // keeps one input fast

class StringFile final : public RandomAccessFile {
 public:
  explicit StringFile(std::string bytes) : bytes_(std::move(bytes)) {}

  Result<std::size_t> Read(std::uint64_t offset_bytes, std::span<char> out) const override {
    if (offset_bytes >= bytes_.size()) return std::size_t{0};
    return bytes_.copy(out.data(), out.size(), static_cast<std::size_t>(offset_bytes));
  }

  Result<std::uint64_t> Size() const override { return bytes_.size(); }

  const std::string& name() const override { return name_; }

 private:
  std::string bytes_;
  std::string name_ = "fuzz";
};

// Files that can be listed and read; recovery asks for no more.
class StringFiles final : public FileSystem {
 public:
  std::map<std::string, std::string> files;

  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const Path& path) const override {
    const auto it = files.find(path.filename().string());
    if (it == files.end()) return Fail(ErrorCode::kNotFound, "no such file");
    return std::make_unique<StringFile>(it->second);
  }

  Result<std::vector<std::string>> List(const Path&) const override {
    std::vector<std::string> names;
    for (const auto& [name, bytes] : files) names.push_back(name);
    return names;
  }

  bool Exists(const Path& path) const override { return files.contains(path.filename().string()); }

  Result<std::uint64_t> FileSize(const Path&) const override { return Unused(); }

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const Path&, WriteMode) override {
    return Unused();
  }

  Status Rename(const Path&, const Path&) override { return Unused(); }

  Status Link(const Path&, const Path&) override { return Unused(); }

  Status Remove(const Path&) override { return Unused(); }

  Status CreateDirectories(const Path&) override { return Unused(); }

  Status SyncDirectory(const Path&) override { return Unused(); }

  Result<std::unique_ptr<FileLock>> Lock(const Path&) override { return Unused(); }

  Result<Space> DiskSpace(const Path&) const override { return Unused(); }

 private:
  static tl::unexpected<Error> Unused() { return Fail(ErrorCode::kUnsupported, "not here"); }
};

void RecoverAndRead(const StringFiles& fs) {
  const Result<RecoveredFiles> recovered = ReadFiles(fs, "/j");
  if (!recovered) return;
  std::uint64_t records = 0;
  Sequence before = 0;
  for (const FileInfo& info : recovered->files) {
    const std::string& bytes = fs.files.at(info.path.filename().string());
    CHECK(info.end_bytes <= bytes.size());
    StringFile file(bytes);
    FrameScanner scanner(
        file, info.name.id, kFileHeaderBytes, info.end_bytes, info.name.first_sequence);
    Sequence last_in_file = 0;
    while (const auto item = scanner.Next()) {
      CHECK(item->end_bytes > item->offset_bytes && item->end_bytes <= info.end_bytes);
      if (!item->intact) continue;
      CHECK(item->header->first_sequence > last_in_file);
      last_in_file = item->header->end_sequence() - 1;
      records += item->header->records;
      FrameBody body;
      if (item->header->raw_bytes <= kRawBytesMax && DecodeBody(*item->header, item->body, &body)) {
        CHECK(body.records.size() == item->header->records);
      }
    }
    before = std::max(before, last_in_file);
  }
  CHECK(records == recovered->report.records);
  CHECK(before <= recovered->last_sequence);
}

std::string WithHeader(FileId id, Sequence first, Sequence previous, std::string_view rest) {
  const auto header =
      EncodeFileHeader({.id = id, .first_sequence = first, .previous_sequence = previous});
  return std::string(header.data(), header.size()).append(rest);
}

std::string FrameOf(const FrameHeader& given, std::string_view body, std::uint64_t offset) {
  FrameHeader header = given;
  header.stored_bytes = static_cast<std::uint32_t>(body.size());
  header.body_checksum = BodyChecksum(body, kId);
  const auto bytes = EncodeFrameHeader(header, kId, offset);
  return std::string(bytes.data(), bytes.size()).append(body);
}

}  // namespace
}  // namespace postglass::journal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass::journal;
  if (size < 8) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::uint8_t choice = data[0];
  const auto number = [&](std::size_t at) {
    return std::uint32_t{data[at]} | std::uint32_t{data[at + 1]} << 8;
  };
  const std::string_view rest = input.substr(8);
  StringFiles fs;
  const std::string first_name = FormatFileName({1, kId});
  if (choice % 3 == 0) {
    // Two files, cut where the input says; the first has a good header.
    const std::size_t cut = std::min<std::size_t>(number(1), rest.size());
    fs.files[first_name] = WithHeader(kId, 1, 0, rest.substr(0, cut));
    fs.files[FormatFileName({1 + number(3), kSecondId})] = std::string(rest.substr(cut));
  } else if (choice % 3 == 1) {
    const FrameHeader header{.raw_bytes = number(1) + (std::uint32_t{data[5]} & 15U) * 65'536U,
                             .codec = (choice & 64) != 0 ? Codec::kZstd : Codec::kNone,
                             .records = number(3),
                             .first_sequence = 1,
                             .durable_bytes = kFileHeaderBytes};
    fs.files[first_name] =
        WithHeader(kId, 1, 0, FrameOf(header, rest.substr(0, header.raw_bytes), 64));
    FrameBody body;
    static_cast<void>(DecodeBody(header, rest, &body));
  } else {
    FrameEncoder encoder;
    encoder.Add(rest.substr(0, number(1)));
    encoder.Add("second");
    std::string frame;
    encoder.Finish({.id = kId,
                    .offset_bytes = kFileHeaderBytes,
                    .first_sequence = 1,
                    .durable_bytes = kFileHeaderBytes,
                    .written_at = {}},
                   &frame);
    // One byte of it changes, perhaps to what it was.
    frame[number(3) % frame.size()] = static_cast<char>(data[5]);
    fs.files[first_name] = WithHeader(kId, 1, 0, frame.append(rest));
  }
  RecoverAndRead(fs);
  return 0;
}
