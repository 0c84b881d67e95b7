#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/result.h"
#include "store/coding.h"
#include "store/embedded/segment/buffer.h"

namespace postglass::store {

// A run of bytes in a segment that is read and checked as one. Plain when both sizes are equal,
// else one zstd frame.
struct Extent {
  std::uint64_t offset = 0;
  std::uint32_t stored_bytes = 0;
  std::uint32_t raw_bytes = 0;
  std::uint64_t checksum = 0;  // of the stored bytes

  bool empty() const { return stored_bytes == 0; }

  bool operator==(const Extent&) const = default;
};

void PutExtent(std::string& out, const Extent& extent);
// Bounds are checked: an extent outside `file_bytes` or above the limits is empty, and
// breaks the reader.
Extent TakeExtent(ByteReader& in, std::uint64_t file_bytes);

enum class Squeeze { kNo, kWhenSmaller };  // kWhenSmaller: zstd when it saves a tenth or more

// Appends extents to a new file. Not thread-safe.
class ExtentWriter {
 public:
  // `file` must outlive the writer.
  explicit ExtentWriter(WritableFile& file) : file_(file) {}

  Result<Extent> Append(std::string_view raw, Squeeze squeeze);
  // What the caller has compressed itself.
  Result<Extent> AppendStored(std::string_view stored, std::uint32_t raw_bytes);
  Status AppendPlain(std::string_view bytes);  // no extent: header, footer, trailer
  Status Flush();

  std::uint64_t offset() const { return offset_; }

 private:
  WritableFile& file_;
  std::uint64_t offset_ = 0;
  std::string pending_;
};

// Reads extents of one file and checks them. Thread-safe.
class ExtentReader {
 public:
  ExtentReader(std::shared_ptr<const RandomAccessFile> file, std::string name)
      : file_(std::move(file)), name_(std::move(name)) {}

  // Read, compared with its checksum, decompressed. Errors: kIo; kCorruption.
  Result<std::shared_ptr<const Buffer>> Read(const Extent& extent) const;
  // Read and compared; still compressed when it is.
  Result<Buffer> ReadStored(const Extent& extent) const;
  tl::unexpected<Error> Damaged(const Extent& extent, std::string_view what) const;

  const std::shared_ptr<const RandomAccessFile>& file() const { return file_; }

  const std::string& name() const { return name_; }

 private:
  std::shared_ptr<const RandomAccessFile> file_;
  std::string name_;
};

}  // namespace postglass::store
