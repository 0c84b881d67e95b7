#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

#include "base/encoding.h"
#include "net/http.h"

namespace postglass::net {
namespace {

// Output is made and measured in pieces of this size, so that a bomb is cut within one piece of
// the cap.
constexpr std::size_t kPieceBytes = 64 << 10;
constexpr int kCodingsMax = 2;
// RFC 9659: a sender of Content-Encoding zstd keeps its window within 8 MB, and a receiver needs
// no more. It bounds the memory that a frame header can ask for.
constexpr int kZstdWindowLogMax = 23;
// Window sizes of zlib with its three framings (zlib.h, inflateInit2).
constexpr int kRawDeflate = -15;
constexpr int kZlibFormat = 15;
constexpr int kGzipFormat = 15 + 16;

Error TooLarge(std::string_view coding, std::size_t bytes_max) {
  return {ErrorCode::kLimit, fmt::format("{} body inflates beyond {} bytes", coding, bytes_max)};
}

Error Damaged(std::string_view coding, std::string_view why) {
  return {ErrorCode::kInvalidArgument, fmt::format("{} body: {}", coding, why)};
}

struct InflateEnd {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

struct DeflateEnd {
  void operator()(z_stream* stream) const { deflateEnd(stream); }
};

struct ZstdFree {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

Bytef* ZlibInput(std::string_view text) {
  // zlib's interface predates const; it does not write to its input.
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(text.data()));
}

Result<std::string> Inflate(std::string_view coding,
                            int format,
                            std::string_view body,
                            std::size_t bytes_max) {
  if (body.size() > std::numeric_limits<uInt>::max()) return Fail(TooLarge(coding, bytes_max));
  z_stream stream{};
  stream.next_in = ZlibInput(body);
  stream.avail_in = static_cast<uInt>(body.size());
  if (inflateInit2(&stream, format) != Z_OK) {
    return Fail(ErrorCode::kInternal, "zlib could not start");
  }
  const std::unique_ptr<z_stream, InflateEnd> owner(&stream);

  std::string out;
  std::array<char, kPieceBytes> piece;
  for (;;) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int code = inflate(&stream, Z_NO_FLUSH);
    const std::size_t made = piece.size() - stream.avail_out;
    if (made > bytes_max - out.size()) return Fail(TooLarge(coding, bytes_max));
    out.append(piece.data(), made);
    if (code == Z_STREAM_END) {
      if (stream.avail_in == 0) return out;
      // A gzip body may be several members, one behind the other (RFC 1952 §2.2).
      if (format != kGzipFormat) return Fail(Damaged(coding, "data behind its end"));
      if (inflateReset(&stream) != Z_OK) return Fail(ErrorCode::kInternal, "zlib could not reset");
      continue;
    }
    if (code == Z_BUF_ERROR || (code == Z_OK && stream.avail_in == 0 && made == 0)) {
      return Fail(Damaged(coding, "truncated"));
    }
    if (code != Z_OK) {
      return Fail(Damaged(coding, stream.msg != nullptr ? stream.msg : "not in this format"));
    }
  }
}

// "deflate" means the zlib format (RFC 9110 §8.4.1.2), but clients exist that send the bare
// stream. The two header bytes tell: method 8 and a multiple of 31.
int DeflateFormat(std::string_view body) {
  if (body.size() < 2) return kZlibFormat;
  const unsigned first = static_cast<unsigned char>(body[0]);
  const unsigned second = static_cast<unsigned char>(body[1]);
  return (first & 0x0F) == 8 && (first * 256 + second) % 31 == 0 ? kZlibFormat : kRawDeflate;
}

Result<std::string> Unzstd(std::string_view coding, std::string_view body, std::size_t bytes_max) {
  const std::unique_ptr<ZSTD_DCtx, ZstdFree> context(ZSTD_createDCtx());
  if (context == nullptr || ZSTD_isError(ZSTD_DCtx_setParameter(
                                context.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax)) != 0) {
    return Fail(ErrorCode::kInternal, "zstd could not start");
  }
  std::string out;
  std::array<char, kPieceBytes> piece;
  ZSTD_inBuffer input{body.data(), body.size(), 0};
  for (;;) {
    ZSTD_outBuffer output{piece.data(), piece.size(), 0};
    const std::size_t before = input.pos;
    const std::size_t left = ZSTD_decompressStream(context.get(), &output, &input);
    if (ZSTD_isError(left) != 0) {
      if (std::string_view(ZSTD_getErrorName(left)).find("memory") != std::string_view::npos) {
        return Fail(ErrorCode::kLimit, "zstd body asks for a window above 8 MB");
      }
      return Fail(Damaged(coding, ZSTD_getErrorName(left)));
    }
    if (output.pos > bytes_max - out.size()) return Fail(TooLarge(coding, bytes_max));
    out.append(piece.data(), output.pos);
    // Zero means that a frame ended; another may follow (RFC 8878 §3).
    if (left == 0 && input.pos == input.size) return out;
    if (input.pos == before && output.pos == 0) return Fail(Damaged(coding, "truncated"));
  }
}

Result<std::string> UndoOne(std::string_view coding, std::string_view body, std::size_t bytes_max) {
  if (coding == "gzip" || coding == "x-gzip") return Inflate(coding, kGzipFormat, body, bytes_max);
  if (coding == "deflate") return Inflate(coding, DeflateFormat(body), body, bytes_max);
  if (coding == "zstd" || coding == "zstd1") return Unzstd(coding, body, bytes_max);
  return Fail(ErrorCode::kUnsupported, fmt::format("unknown content coding '{}'", coding));
}

}  // namespace

Result<std::string> DecodeContent(std::string_view coding,
                                  std::string_view body,
                                  std::size_t bytes_max) {
  std::string decoded;
  std::string_view current = body;
  int codings = 0;
  while (!coding.empty()) {
    const std::size_t comma = coding.rfind(',');
    const std::string_view last =
        TrimAscii(comma == std::string_view::npos ? coding : coding.substr(comma + 1));
    coding = comma == std::string_view::npos ? std::string_view() : coding.substr(0, comma);
    const std::string name = AsciiLower(last);
    if (name.empty() || name == "identity") continue;
    if (++codings > kCodingsMax) {
      return Fail(ErrorCode::kUnsupported, "more than two content codings on one body");
    }
    ASSIGN_OR_RETURN(std::string next, UndoOne(name, current, bytes_max));
    decoded = std::move(next);
    current = decoded;
  }
  if (current.size() > bytes_max) return Fail(TooLarge("plain", bytes_max));
  return codings == 0 ? std::string(body) : std::move(decoded);
}

Result<std::string> GzipCompress(std::string_view body, int level) {
  if (body.size() > std::numeric_limits<uInt>::max()) {
    return Fail(ErrorCode::kLimit, "body above 4 GB");
  }
  z_stream stream{};
  constexpr int kMemoryLevel = 8;  // zlib's own default
  if (deflateInit2(&stream, level, Z_DEFLATED, kGzipFormat, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("gzip level {}", level));
  }
  const std::unique_ptr<z_stream, DeflateEnd> owner(&stream);
  std::string out(deflateBound(&stream, body.size()), '\0');
  if (out.size() > std::numeric_limits<uInt>::max()) {
    return Fail(ErrorCode::kLimit, "body above 4 GB");
  }
  stream.next_in = ZlibInput(body);
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
    return Fail(ErrorCode::kInternal, "zlib did not finish within its own bound");
  }
  out.resize(stream.total_out);
  return out;
}

}  // namespace postglass::net
