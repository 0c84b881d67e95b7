#include "main/line_source.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace postglass {
namespace {

constexpr std::size_t kReadBytes = 128 << 10;
constexpr std::size_t kPieceBytes = 256 << 10;
constexpr int kGzipFormat = 15 + 16;   // zlib.h, inflateInit2
constexpr int kZstdWindowLogMax = 27;  // 128 MB, what the zstd program reads without being asked

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != nullptr && file != stdin) std::fclose(file);
  }
};

}  // namespace

// Turns bytes of the file into text.
class LineSource::Decoder {
 public:
  virtual ~Decoder() = default;
  // Takes from the front of `raw` and appends to `out` at most kPieceBytes. `last`: nothing comes
  // behind `raw`. kCorruption says why.
  virtual Status Decode(std::string& raw, bool last, std::string& out) = 0;
  // Whether the bytes so far may be all there are.
  virtual bool AtEnd() const = 0;
};

class LineSource::Plain final : public Decoder {
 public:
  Status Decode(std::string& raw, bool, std::string& out) override {
    out += raw;
    raw.clear();
    return {};
  }

  bool AtEnd() const override { return true; }
};

class LineSource::Gzip final : public Decoder {
 public:
  Gzip() { ok_ = inflateInit2(&stream_, kGzipFormat) == Z_OK; }

  ~Gzip() override { inflateEnd(&stream_); }

  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  Status Decode(std::string& raw, bool, std::string& out) override {
    if (!ok_) return Fail(ErrorCode::kInternal, "zlib could not start");
    if (raw.empty()) return {};
    std::array<char, kPieceBytes> piece;
    stream_.next_in = reinterpret_cast<Bytef*>(raw.data());
    stream_.avail_in = static_cast<uInt>(raw.size());
    stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream_.avail_out = static_cast<uInt>(piece.size());
    const int code = inflate(&stream_, Z_NO_FLUSH);
    out.append(piece.data(), piece.size() - stream_.avail_out);
    raw.erase(0, raw.size() - stream_.avail_in);
    member_ended_ = code == Z_STREAM_END;
    if (member_ended_) {
      ok_ = inflateReset(&stream_) == Z_OK;
      return {};
    }
    if (code == Z_OK || code == Z_BUF_ERROR) return {};
    return Fail(ErrorCode::kCorruption,
                fmt::format("not gzip: {}", stream_.msg != nullptr ? stream_.msg : "damaged"));
  }

  bool AtEnd() const override { return member_ended_; }

 private:
  z_stream stream_{};
  bool ok_ = false;
  bool member_ended_ = false;
};

class LineSource::Zstd final : public Decoder {
 public:
  Zstd() : context_(ZSTD_createDCtx()) {
    ok_ = context_ != nullptr && ZSTD_isError(ZSTD_DCtx_setParameter(
                                     context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax)) == 0;
  }

  Status Decode(std::string& raw, bool, std::string& out) override {
    if (!ok_) return Fail(ErrorCode::kInternal, "zstd could not start");
    std::array<char, kPieceBytes> piece;
    ZSTD_inBuffer input{raw.data(), raw.size(), 0};
    ZSTD_outBuffer output{piece.data(), piece.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context_.get(), &output, &input);
    if (ZSTD_isError(left) != 0) {
      return Fail(ErrorCode::kCorruption, fmt::format("not zstd: {}", ZSTD_getErrorName(left)));
    }
    if (input.pos > 0 || output.pos > 0) frame_ended_ = left == 0;
    out.append(piece.data(), output.pos);
    raw.erase(0, input.pos);
    return {};
  }

  bool AtEnd() const override { return frame_ended_; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  std::unique_ptr<ZSTD_DCtx, Free> context_;
  bool ok_ = false;
  bool frame_ended_ = false;
};

LineSource::LineSource(std::string name, Read read)
    : name_(std::move(name)), read_(std::move(read)) {}

LineSource::LineSource(LineSource&&) noexcept = default;
LineSource& LineSource::operator=(LineSource&&) noexcept = default;
LineSource::~LineSource() = default;

Result<LineSource> LineSource::Open(const std::string& path) {
  const std::string name = path == "-" ? "standard input" : path;
  const std::shared_ptr<std::FILE> file(path == "-" ? stdin : std::fopen(path.c_str(), "rb"),
                                        CloseFile());
  if (!file) {
    const int code = errno;
    return Fail(code == ENOENT   ? ErrorCode::kNotFound
                : code == EACCES ? ErrorCode::kPermissionDenied
                                 : ErrorCode::kIo,
                fmt::format("{}: {}", path, std::generic_category().message(code)));
  }
  return LineSource(name, [file, name](std::span<char> out) -> Result<std::size_t> {
    const std::size_t got = std::fread(out.data(), 1, out.size(), file.get());
    if (std::ferror(file.get()) == 0) return got;
    return Fail(ErrorCode::kIo,
                fmt::format("{}: {}", name, std::generic_category().message(errno)));
  });
}

Status LineSource::ReadRaw() {
  const std::size_t before = raw_.size();
  raw_.resize(before + kReadBytes);
  const Result<std::size_t> got = read_(std::span(raw_).subspan(before));
  raw_.resize(before + got.value_or(0));
  if (!got) return Fail(got.error());
  file_bytes_ += *got;
  raw_ended_ = *got == 0;
  return {};
}

Status LineSource::ChooseDecoder() {
  while (raw_.size() < 4 && !raw_ended_) RETURN_IF_ERROR(ReadRaw());
  if (raw_.starts_with("\x1f\x8b")) {
    decoder_ = std::make_unique<Gzip>();
  } else if (raw_.starts_with("\x28\xb5\x2f\xfd")) {
    decoder_ = std::make_unique<Zstd>();
  } else {
    decoder_ = std::make_unique<Plain>();
  }
  return {};
}

Status LineSource::Fill() {
  if (!decoder_) RETURN_IF_ERROR(ChooseDecoder());
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t before = buffer_.size();
  while (buffer_.size() == before) {
    if (raw_.empty() && !raw_ended_) RETURN_IF_ERROR(ReadRaw());
    const std::size_t raw_before = raw_.size();
    const Status decoded = decoder_->Decode(raw_, raw_ended_, buffer_);
    if (!decoded) {
      return Fail(decoded.error().code, fmt::format("{}: {}", name_, decoded.error().message));
    }
    if (buffer_.size() > before || raw_.size() < raw_before) continue;
    if (!raw_ended_) {
      RETURN_IF_ERROR(ReadRaw());
      continue;
    }
    if (!raw_.empty() || !decoder_->AtEnd()) {
      return Fail(ErrorCode::kCorruption, fmt::format("{}: cut off in the middle", name_));
    }
    ended_ = true;
    return {};
  }
  return {};
}

Result<std::optional<LineSource::Line>> LineSource::Next() {
  Line line;
  std::size_t looked_at = begin_;
  for (;;) {
    const std::size_t end = buffer_.find('\n', looked_at);
    if (end != std::string::npos || (ended_ && begin_ < buffer_.size())) {
      const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
      if (stop - begin_ > kLineBytesMax) line.too_long = true;
      if (!line.too_long) line.text = buffer_.substr(begin_, stop - begin_);
      if (line.text.ends_with('\r')) line.text.pop_back();
      const std::size_t next = end == std::string::npos ? stop : end + 1;
      text_bytes_ += next - begin_;
      begin_ = next;
      return std::optional<Line>(std::move(line));
    }
    if (ended_) {
      if (line.too_long) return std::optional<Line>(std::move(line));
      return std::optional<Line>();
    }
    if (buffer_.size() - begin_ > kLineBytesMax) {  // not kept while its end is looked for
      line.too_long = true;
      text_bytes_ += buffer_.size() - begin_;
      begin_ = buffer_.size();
    }
    const std::size_t pending = buffer_.size() - begin_;
    RETURN_IF_ERROR(Fill());
    looked_at = pending;
  }
}

Status LineSource::Skip(std::uint64_t bytes) {
  while (bytes > 0) {
    if (begin_ == buffer_.size()) RETURN_IF_ERROR(Fill());
    if (ended_ && begin_ == buffer_.size()) {
      return Fail(ErrorCode::kCorruption, fmt::format("{}: shorter than it was", name_));
    }
    const std::uint64_t part = std::min<std::uint64_t>(bytes, buffer_.size() - begin_);
    begin_ += static_cast<std::size_t>(part);
    text_bytes_ += part;
    bytes -= part;
  }
  return {};
}

}  // namespace postglass
