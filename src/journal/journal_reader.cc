#include "journal/journal_reader.h"

#include <fmt/format.h>

#include "base/log.h"

namespace postglass::journal {
namespace {

constexpr int kReadAttemptsMax = 3;  // calls that report a failing disk before it is passed over

}  // namespace

Result<std::optional<Record>> JournalReader::Next() {
  for (;;) {
    while (body_next_ < body_.records.size()) {
      const Sequence sequence = header_.first_sequence + body_next_;
      const std::string_view payload = body_.records[body_next_++];
      if (sequence <= after_) continue;
      after_ = sequence;
      return std::optional(Record{sequence, header_.written_at, std::string(payload)});
    }
    ASSIGN_OR_RETURN(const bool found, NextFrame());
    if (!found) return std::optional<Record>();
  }
}

Result<bool> JournalReader::NextFrame() {
  body_.records.clear();
  body_next_ = 0;
  for (;;) {
    std::optional<FrameScanner::Item> item;
    if (scanner_) item = scanner_->Next();
    if (!item) {
      ASSIGN_OR_RETURN(const bool more, NextExtent());
      if (!more) return false;
      continue;
    }
    if (!item->intact) {
      RETURN_IF_ERROR(PassOver(*item));
      continue;
    }
    attempts_ = 0;
    if (item->header->end_sequence() <= after_ + 1) continue;
    header_ = *item->header;
    if (DecodeBody(header_, item->body, &body_)) return true;
    body_.records.clear();
    RETURN_IF_ERROR(PassOver(*item));
  }
}

Result<bool> JournalReader::NextExtent() {
  if (!next_ && scanner_) {
    ASSIGN_OR_RETURN(next_, files_.Continue(extent_, scanner_->offset_bytes(), after_));
  } else if (!next_) {
    ASSIGN_OR_RETURN(next_, files_.Find(after_));
  }
  if (!next_) return false;

  if (scanner_ && next_->name == extent_.name && next_->begin_bytes == scanner_->offset_bytes()) {
    scanner_->set_end(next_->end_bytes);
  } else {
    if (!file_ || next_->name != extent_.name) {
      Result<std::unique_ptr<RandomAccessFile>> file = fs_.OpenForRead(next_->path);
      if (!file) {
        next_.reset();
        return Fail(std::move(file.error()));  // kNotFound: trimmed away since it was found
      }
      scanner_.reset();
      file_ = std::move(*file);
    }
    scanner_.emplace(
        *file_, next_->name.id, next_->begin_bytes, next_->end_bytes, next_->name.first_sequence);
  }
  extent_ = std::move(*next_);
  next_.reset();
  return true;
}

Status JournalReader::PassOver(const FrameScanner::Item& item) {
  if (item.unreadable && ++attempts_ < kReadAttemptsMax) {
    scanner_->Retry(item);
    return Fail(ErrorCode::kIo,
                fmt::format("{}: bytes {} to {} cannot be read",
                            extent_.path.string(),
                            item.offset_bytes,
                            item.end_bytes));
  }
  attempts_ = 0;
  damaged_.Add();
  log::Error("journal",
             "{}: bytes {} to {} became damaged, their records are passed over",
             extent_.path.string(),
             item.offset_bytes,
             item.end_bytes);
  return {};
}

}  // namespace postglass::journal
