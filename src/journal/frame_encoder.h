#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "journal/format.h"

struct ZSTD_CCtx_s;

namespace postglass::journal {

// Collects records and turns them into one frame. Compresses with zstd level 1 where it pays:
// bodies that do not shrink (encrypted mail) are tried ever more rarely. Not thread-safe; belongs
// to the commit thread and keeps its buffers from frame to frame.
class FrameEncoder {
 public:
  FrameEncoder();
  ~FrameEncoder();

  void Add(std::string_view payload);

  std::uint32_t records() const { return records_; }

  std::uint64_t raw_bytes() const { return lengths_.size() + payloads_.size(); }

  struct Place {
    FileId id;
    std::uint64_t offset_bytes = 0;  // in the file
    Sequence first_sequence = 0;
    std::uint64_t durable_bytes = 0;  // of the file
    Timestamp written_at;
  };

  // Appends the frame of what was added to `out` and begins the next. With nothing added it makes
  // a mark. Requires: raw_bytes() <= kFrameBodyBytesMax.
  void Finish(const Place& place, std::string* out);

 private:
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };

  // Compresses `raw` to the end of `out`; false, and `out` as before, when it does not pay.
  bool Compress(std::string_view raw, std::string* out);

  std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;
  std::string lengths_;
  std::string payloads_;
  std::uint32_t records_ = 0;
  unsigned skip_left_ = 0;  // frames to store as they are before the next attempt
  unsigned skip_next_ = 1;  // doubles with each attempt that did not pay
};

}  // namespace postglass::journal
