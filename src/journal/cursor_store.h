#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"
#include "journal/journal.h"

namespace postglass::journal {

// The named positions of a journal. Each has two small files: `recent-<name>`, replaced at every
// save without a sync, and `cursor-<name>`, the checkpoint that Sync() writes durably. After a
// power cut the recent one may be torn; the checkpoint, never older than the last trim, then
// counts. Thread-safe; its lock is held across the write of a small file.
class CursorStore {
 public:
  // `fs` must outlive it.
  CursorStore(FileSystem& fs, Path dir) : fs_(fs), dir_(std::move(dir)) {}

  // Reads what is there; a sentence for each damaged checkpoint goes to `set_aside`.
  Status Load(std::vector<std::string>* set_aside);

  // 0 when never saved. kInvalidArgument for an unusable name.
  Result<Sequence> Get(std::string_view name) const;
  Status Save(std::string_view name, Sequence sequence);
  // Makes every cursor durable. Before records are trimmed, so that no cursor falls back behind
  // them.
  Status Sync();

  Sequence max_sequence() const;  // of all cursors; 0 when there are none

 private:
  struct Cursor {
    Sequence sequence = 0;
    std::uint64_t save_number = 0;  // the higher one of the two files counts
    bool durable = false;
  };

  Status LoadFile(const std::string& file_name,
                  const std::string& encoded_name,
                  std::vector<std::string>* set_aside) REQUIRES(mutex_);

  FileSystem& fs_;
  const Path dir_;
  mutable Mutex mutex_;
  std::map<std::string, Cursor, std::less<>> cursors_ GUARDED_BY(mutex_);  // by encoded name
};

}  // namespace postglass::journal
