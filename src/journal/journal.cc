#include "journal/journal.h"

#include <algorithm>
#include <utility>

#include "base/awaited.h"
#include "base/log.h"
#include "journal/cursor_store.h"
#include "journal/file_journal.h"
#include "journal/recovery.h"

namespace postglass::journal {
namespace {

constexpr std::string_view kLockName = "lock";

void Report(const std::string& name, const Recovery& recovery) {
  if (recovery.torn_bytes_cut > 0) {
    log::Warn("journal",
              "{}: {} bytes of an unfinished write, never acknowledged, were cut",
              name,
              recovery.torn_bytes_cut);
  }
  for (const std::string& sentence : recovery.set_aside) {
    log::Error("journal", "{}: {}", name, sentence);
  }
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::Open(FileSystem& fs,
                                               const Clock& clock,
                                               Metrics& metrics,
                                               const Path& dir,
                                               Options options,
                                               Recovery* recovery) {
  const bool writes = options.access == Access::kReadWrite;
  std::unique_ptr<FileLock> lock;
  if (writes) {
    RETURN_IF_ERROR(fs.CreateDirectories(dir));
    ASSIGN_OR_RETURN(lock, fs.Lock(dir / kLockName));
  }
  ASSIGN_OR_RETURN(RecoveredFiles recovered, ReadFiles(fs, dir));
  auto cursors = std::make_unique<CursorStore>(fs, dir);
  RETURN_IF_ERROR(cursors->Load(&recovered.report.set_aside));

  FileAppender::Start start;
  start.last_sequence = recovered.last_sequence;
  // A cursor ahead of the records saw some that are gone now (kOs and a power cut, or a damaged
  // end). Were their sequences given again, its consumer would skip new records.
  start.next_sequence =
      std::max({recovered.last_sequence + 1, cursors->max_sequence() + 1, options.sequence_min});
  if (writes) {
    ASSIGN_OR_RETURN(std::unique_ptr<WritableFile> newest, ApplyRecovery(fs, dir, recovered));
    if (newest && recovered.newest_is_clean && newest->size() < options.file_bytes_max &&
        start.next_sequence == recovered.last_sequence + 1) {
      start.file = std::move(newest);
      start.name = recovered.files.back().name;
    }
  }
  Report(options.name, recovered.report);
  const std::size_t damaged = recovered.report.set_aside.size();
  if (recovery != nullptr) *recovery = std::move(recovered.report);
  auto journal = std::make_unique<FileJournal>(fs,
                                               clock,
                                               metrics,
                                               dir,
                                               std::move(options),
                                               std::move(lock),
                                               std::move(cursors),
                                               std::move(recovered.files),
                                               std::move(start));
  journal->CountDamage(damaged);
  return journal;
}

Result<Sequence> Journal::Append(std::string payload) {
  Awaited<Result<Sequence>> appended;
  std::vector<std::string> payloads;
  payloads.push_back(std::move(payload));
  AppendAsync(std::move(payloads),
              [&appended](Result<Sequence> result) { appended.Set(std::move(result)); });
  return appended.Get();
}

}  // namespace postglass::journal
