#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "journal/cursor_store.h"
#include "journal/file_appender.h"
#include "journal/file_set.h"
#include "journal/journal.h"
#include "journal/journal_metrics.h"

namespace postglass::journal {

// Journal over files: callers queue, one thread commits. Made by Journal::Open().
class FileJournal final : public Journal {
 public:
  // `lock` is held as long as the journal lives; nothing when it is read-only.
  FileJournal(FileSystem& fs,
              const Clock& clock,
              Metrics& metrics,
              Path dir,
              Options options,
              std::unique_ptr<FileLock> lock,
              std::unique_ptr<CursorStore> cursors,
              std::vector<FileInfo> files,
              FileAppender::Start start);
  ~FileJournal() override;

  void AppendAsync(std::vector<std::string> payloads, Committed done) override;
  Sequence first_sequence() const override;
  Sequence durable_sequence() const override;
  Result<std::unique_ptr<Reader>> Read(Sequence after) const override;
  bool WaitFor(Sequence after,
               std::stop_token stop,
               std::chrono::milliseconds limit) const override;
  Result<Sequence> LoadCursor(std::string_view name) const override;
  Status SaveCursor(std::string_view name, Sequence sequence) override;
  Status TrimBefore(Sequence keep_from) override;
  Result<Sequence> BeginFile() override;
  Health health() const override;
  std::string health_reason() const override;

  std::uint64_t size_bytes() const override { return files_.size_bytes(); }

  void CountDamage(std::size_t stretches) { metrics_.damaged.Add(static_cast<double>(stretches)); }

 private:
  void Run();  // the commit thread
  void CommitAll(std::vector<Call>& calls);
  void CommitSome(std::span<Call> calls, std::uint64_t bytes);
  Result<std::uint64_t> CheckCall(const std::vector<std::string>& payloads) const;
  void SetHealth(const Status& status);
  void RotateAndTrim(Sequence keep_from);
  void BeginFileNow(std::uint64_t wanted);
  Status RemoveFilesBefore(Sequence keep_from);

  FileSystem& fs_;
  const Clock& clock_;
  const Path dir_;
  const Options options_;
  const std::uint64_t call_bytes_max_;
  mutable JournalMetrics metrics_;
  const std::unique_ptr<FileLock> lock_;
  const std::unique_ptr<CursorStore> cursors_;
  FileSet files_;
  FileAppender appender_;  // commit thread alone

  Mutex trim_mutex_;  // one trim at a time; held while files are removed

  mutable Mutex mutex_;
  CondVar work_;             // for the commit thread
  mutable CondVar durable_;  // for WaitFor
  std::vector<Call> queue_ GUARDED_BY(mutex_);
  std::uint64_t queue_bytes_ GUARDED_BY(mutex_) = 0;  // queued or being committed
  bool idle_ GUARDED_BY(mutex_) = false;              // the commit thread sleeps
  bool stopping_ GUARDED_BY(mutex_) = false;
  Sequence rotate_for_ GUARDED_BY(mutex_) = 0;  // trim wants the newest file closed; 0: no
  std::uint64_t begin_file_wanted_ GUARDED_BY(mutex_) = 0;
  std::uint64_t begin_file_done_ GUARDED_BY(mutex_) = 0;
  Result<Sequence> file_begins_at_ GUARDED_BY(mutex_) = Sequence{0};  // of the last one
  CondVar file_begun_;
  Sequence durable_sequence_ GUARDED_BY(mutex_);
  Health health_ GUARDED_BY(mutex_) = Health::kOk;
  std::string health_reason_ GUARDED_BY(mutex_);

  std::thread thread_;  // last: it uses everything above
};

}  // namespace postglass::journal
