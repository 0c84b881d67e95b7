#include "store/embedded/segment/extents.h"

#include <fmt/format.h>
#include <zstd.h>

#include "base/check.h"
#include "store/compress.h"
#include "store/embedded/segment/limits.h"
#include "store/hash.h"

namespace postglass::store {

namespace {

constexpr std::size_t kPendingBytesMax = 1 << 20;
constexpr std::size_t kSqueezeBytesMin = 64;  // below, a frame's own bytes eat what it saves
constexpr int kSqueezeLevel = 1;

}  // namespace

void PutExtent(std::string& out, const Extent& extent) {
  PutVarint(out, extent.stored_bytes);
  if (extent.empty()) return;
  PutVarint(out, extent.offset);
  PutVarint(out, extent.raw_bytes);
  PutFixed(out, extent.checksum);
}

Extent TakeExtent(ByteReader& in, std::uint64_t file_bytes) {
  const std::uint64_t stored_bytes = in.Varint();
  if (stored_bytes == 0) return {};
  const std::uint64_t offset = in.Varint();
  const std::uint64_t raw_bytes = in.Varint();
  const auto checksum = in.Fixed<std::uint64_t>();
  if (stored_bytes > kExtentBytesMax || raw_bytes > kExtentBytesMax || offset > file_bytes ||
      stored_bytes > file_bytes - offset) {
    in.Take(~std::uint64_t{0});
    return {};
  }
  return {offset,
          static_cast<std::uint32_t>(stored_bytes),
          static_cast<std::uint32_t>(raw_bytes),
          checksum};
}

Result<Extent> ExtentWriter::Append(std::string_view raw, Squeeze squeeze) {
  if (squeeze == Squeeze::kWhenSmaller && raw.size() >= kSqueezeBytesMin) {
    const std::string frame = Compress(raw, kSqueezeLevel);
    if (frame.size() < raw.size() - raw.size() / 10) {
      return AppendStored(frame, static_cast<std::uint32_t>(raw.size()));
    }
  }
  return AppendStored(raw, static_cast<std::uint32_t>(raw.size()));
}

Result<Extent> ExtentWriter::AppendStored(std::string_view stored, std::uint32_t raw_bytes) {
  CHECK(stored.size() <= kExtentBytesMax);
  const Extent extent{
      offset_, static_cast<std::uint32_t>(stored.size()), raw_bytes, Hash64(stored)};
  RETURN_IF_ERROR(AppendPlain(stored));
  return extent;
}

Status ExtentWriter::AppendPlain(std::string_view bytes) {
  pending_ += bytes;
  offset_ += bytes.size();
  return pending_.size() < kPendingBytesMax ? Status() : Flush();
}

Status ExtentWriter::Flush() {
  if (pending_.empty()) return {};
  RETURN_IF_ERROR(file_.Append(pending_));
  pending_.clear();
  return {};
}

tl::unexpected<Error> ExtentReader::Damaged(const Extent& extent, std::string_view what) const {
  return Fail(
      ErrorCode::kCorruption,
      fmt::format("{}: {} bytes from {}: {}", name_, extent.stored_bytes, extent.offset, what));
}

Result<Buffer> ExtentReader::ReadStored(const Extent& extent) const {
  Buffer stored(extent.stored_bytes);
  RETURN_IF_ERROR(file_->ReadExactly(extent.offset, stored.writable()));
  if (Hash64(stored.view()) != extent.checksum) return Damaged(extent, "wrong checksum");
  return stored;
}

Result<std::shared_ptr<const Buffer>> ExtentReader::Read(const Extent& extent) const {
  ASSIGN_OR_RETURN(Buffer stored, ReadStored(extent));
  if (extent.raw_bytes == extent.stored_bytes) {
    return std::make_shared<const Buffer>(std::move(stored));
  }
  auto raw = std::make_shared<Buffer>(extent.raw_bytes);
  const std::size_t bytes =
      ZSTD_decompress(raw->writable().data(), raw->size(), stored.view().data(), stored.size());
  if (ZSTD_isError(bytes) != 0 || bytes != raw->size()) return Damaged(extent, "no whole frame");
  return std::shared_ptr<const Buffer>(std::move(raw));
}

}  // namespace postglass::store
