#include "journal/frame_encoder.h"

#include <zstd.h>

#include <algorithm>

#include "base/check.h"

namespace postglass::journal {
namespace {

constexpr int kLevel = 1;                          // about 500 MB/s a core on events, ratio 7–10
constexpr std::size_t kCompressBytesMin = 512;     // below, the saving is less than a disk sector
constexpr unsigned kSkipMax = 64;                  // one attempt in so many on hopeless data
constexpr std::size_t kBufferBytesKept = 4 << 20;  // more is given back after a rare huge frame

void ClearBuffer(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kBufferBytesKept) buffer.shrink_to_fit();
}

}  // namespace

void FrameEncoder::FreeContext::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

FrameEncoder::FrameEncoder() : zstd_(ZSTD_createCCtx()) { CHECK(zstd_ != nullptr); }

FrameEncoder::~FrameEncoder() = default;

void FrameEncoder::Add(std::string_view payload) {
  const auto size = static_cast<std::uint32_t>(payload.size());
  for (int shift = 0; shift < 32; shift += 8) {
    lengths_ += static_cast<char>((size >> shift) & 0xFF);
  }
  payloads_ += payload;
  ++records_;
}

bool FrameEncoder::Compress(std::string_view raw, std::string* out) {
  if (raw.size() < kCompressBytesMin) return false;
  if (skip_left_ > 0) {
    --skip_left_;
    return false;
  }
  const std::size_t begin = out->size();
  // The destination may not take more than nine tenths: zstd gives up early on what will not fit.
  const std::size_t room = raw.size() - raw.size() / 10;
  out->resize(begin + room);
  const std::size_t size =
      ZSTD_compressCCtx(zstd_.get(), out->data() + begin, room, raw.data(), raw.size(), kLevel);
  if (ZSTD_isError(size) == 0) {
    out->resize(begin + size);
    skip_next_ = 1;
    return true;
  }
  out->resize(begin);
  skip_left_ = skip_next_;
  skip_next_ = std::min(skip_next_ * 2, kSkipMax);
  return false;
}

void FrameEncoder::Finish(const Place& place, std::string* out) {
  lengths_ += payloads_;
  const std::string_view raw = lengths_;
  CHECK(raw.size() <= kFrameBodyBytesMax);
  const std::size_t begin = out->size();
  out->resize(begin + kFrameHeaderBytes);
  const bool compressed = Compress(raw, out);
  if (!compressed) *out += raw;
  const std::string_view stored = std::string_view(*out).substr(begin + kFrameHeaderBytes);

  const FrameHeader header{.stored_bytes = static_cast<std::uint32_t>(stored.size()),
                           .raw_bytes = static_cast<std::uint32_t>(raw.size()),
                           .codec = compressed ? Codec::kZstd : Codec::kNone,
                           .records = records_,
                           .first_sequence = place.first_sequence,
                           .durable_bytes = place.durable_bytes,
                           .written_at = place.written_at,
                           .body_checksum = BodyChecksum(stored, place.id)};
  const auto bytes = EncodeFrameHeader(header, place.id, place.offset_bytes);
  std::copy(bytes.begin(), bytes.end(), out->begin() + static_cast<std::ptrdiff_t>(begin));

  records_ = 0;
  ClearBuffer(lengths_);
  ClearBuffer(payloads_);
}

}  // namespace postglass::journal
