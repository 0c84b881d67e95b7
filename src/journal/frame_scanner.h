#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "journal/format.h"

namespace postglass::journal {

// Walks the frames of one file and names what lies between them that is none. Reads ahead, never
// beyond `end`: what is behind may still change. Not thread-safe.
class FrameScanner {
 public:
  // `file` must outlive the scanner. Begins at `offset_bytes`, where a frame stands; its records
  // are not older than `expected`.
  FrameScanner(const RandomAccessFile& file,
               FileId id,
               std::uint64_t offset_bytes,
               std::uint64_t end_bytes,
               Sequence expected);

  struct Item {
    bool intact = false;      // header and body check out
    bool unreadable = false;  // the disk reported an error for a part of it
    std::uint64_t offset_bytes = 0;
    std::uint64_t end_bytes = 0;
    std::optional<FrameHeader> header;  // always there when intact
    std::string_view body;              // stored form; valid until the next call
  };

  // The next frame, or the damaged stretch up to the next intact header or the end. Nothing at the
  // end. A stretch is reported once and passed over.
  std::optional<Item> Next();

  // More of the file may be read now. Requires: not less than before.
  void set_end(std::uint64_t end_bytes) { end_bytes_ = end_bytes; }

  std::uint64_t offset_bytes() const { return offset_bytes_; }

  // Goes back to where an item began, to try reading it again.
  void Retry(const Item& item);

 private:
  // Bytes [offset, offset + size) or fewer at the end. Unreadable ones are zeros.
  std::string_view View(std::uint64_t offset, std::size_t size);
  void Fill(std::uint64_t offset, std::size_t size);
  void FillInPieces(std::uint64_t offset);
  bool BodyIntact(const FrameHeader& header, std::string_view body) const;
  std::optional<FrameHeader> HeaderAt(std::uint64_t offset);
  std::uint64_t FindFrame(std::uint64_t from);

  const RandomAccessFile& file_;
  const FileId id_;
  std::uint64_t offset_bytes_;
  std::uint64_t end_bytes_;
  Sequence expected_;
  bool behind_damage_ = false;  // the next frame may skip sequences
  std::string buffer_;
  std::uint64_t buffer_offset_ = 0;
  bool unreadable_ = false;  // since the last Next()
};

}  // namespace postglass::journal
