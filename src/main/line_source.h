#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace postglass {

// The lines of a file as it is, gzipped (several members too) or as zstd (several frames too), told
// by its first bytes. Holds one line and two buffers in memory, whatever the file's size. Not
// thread-safe.
class LineSource {
 public:
  static constexpr std::size_t kLineBytesMax = 4 << 20;

  struct Line {
    std::string text;       // without its end; empty when it was too long
    bool too_long = false;  // it had more than kLineBytesMax and was passed over
  };

  // Fills the buffer from where it was; how much, 0 at the end.
  using Read = std::function<Result<std::size_t>(std::span<char>)>;

  // "-" is standard input. Errors: kNotFound, kPermissionDenied, kIo.
  static Result<LineSource> Open(const std::string& path);
  // `name` is for messages.
  LineSource(std::string name, Read read);
  LineSource(LineSource&&) noexcept;
  LineSource& operator=(LineSource&&) noexcept;
  ~LineSource();

  // The next line, a last one without its end too; nothing at the end of the file. Errors: kIo;
  // kCorruption when the compressed bytes are damaged or cut off.
  Result<std::optional<Line>> Next();
  // Passes over the first `bytes` of text. kCorruption when there are fewer.
  Status Skip(std::uint64_t bytes);

  std::uint64_t text_bytes() const { return text_bytes_; }  // up to behind the last line given

  std::uint64_t file_bytes() const { return file_bytes_; }  // read so far, as they lie in the file

 private:
  class Decoder;
  class Plain;
  class Gzip;
  class Zstd;

  Status ReadRaw();
  Status ChooseDecoder();
  // More text behind buffer_; nothing comes when ended_.
  Status Fill();

  std::string name_;
  Read read_;
  std::unique_ptr<Decoder> decoder_;
  std::string raw_;  // read and not yet decoded
  bool raw_ended_ = false;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the text in buffer_ that was not given yet
  bool ended_ = false;
  std::uint64_t text_bytes_ = 0;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace postglass
