#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/mutex.h"

namespace postglass {

// What goes wrong, and when. Operations are counted from 0: every call that can fail (open, append,
// sync, truncate, close, read, size, rename, link, remove, create, list, lock), not Exists and
// DiskSpace.
struct Faults {
  std::uint64_t seed = 1;  // decides what a power cut leaves behind and where reads are flipped

  std::optional<std::uint64_t> power_loss_at_op = {};  // this operation and all after it fail
  std::optional<std::uint64_t> kill_at_op = {};        // the same, to be followed by KillProcess()
  std::optional<std::uint64_t> fail_at_op = {};        // this one operation fails
  ErrorCode fail_with = ErrorCode::kIo;  // … with this; a failed append may write a part
  // The n-th file sync (from 0) fails with kIo, and what it should have written is dropped, as
  // Linux does.
  std::optional<std::uint64_t> fail_sync = {};
  std::optional<std::uint64_t> space_bytes = {};  // all files together; above: kDiskFull
  std::uint64_t flip_one_read_in = 0;             // flips one bit in one of so many reads; 0: never
};

// A disk in memory that fails, tears and forgets as real ones do. Thread-safe.
//
// Model of a power cut: what was synced stays. Unsynced bytes of a file are gone, kept or torn, in
// pieces of 512 B or 4 KB that persist in any order; pieces that are missing read as before, or as
// zeros where there was nothing. The length is any that these pieces allow. Unsynced creations,
// renames, links and removals in a directory happened or not, each for itself.
class FaultyFileSystem final : public FileSystem {
 public:
  explicit FaultyFileSystem(Faults faults = {});
  ~FaultyFileSystem() override;

  // Replaces the faults and counts operations from 0 again.
  void Arm(Faults faults);
  // After a power cut (or without one: cuts now), the disk as the next start finds it. Files that
  // were open stay dead; locks are gone; no fault is armed.
  void RestorePower();
  // The process died, the machine did not: open files are dead, locks gone, every byte is there.
  void KillProcess();
  void SetSpace(std::optional<std::uint64_t> space_bytes);
  // Damages the stored byte for good. Requires: the file has it.
  void FlipBit(const Path& path, std::uint64_t offset_bytes, int bit);

  bool fault_fired() const;          // one of the armed faults happened
  std::uint64_t operations() const;  // since construction or Arm()
  std::uint64_t file_syncs() const;  // the same, WritableFile::Sync alone
  std::uint64_t bytes_used() const;

  Result<std::unique_ptr<WritableFile>> OpenForWrite(const Path& path, WriteMode mode) override;
  Result<std::unique_ptr<RandomAccessFile>> OpenForRead(const Path& path) const override;
  Status Rename(const Path& from, const Path& to) override;
  Status Link(const Path& from, const Path& to) override;
  Status Remove(const Path& path) override;
  Status CreateDirectories(const Path& path) override;
  Status SyncDirectory(const Path& path) override;
  Result<std::vector<std::string>> List(const Path& path) const override;
  bool Exists(const Path& path) const override;
  Result<std::uint64_t> FileSize(const Path& path) const override;
  Result<std::unique_ptr<FileLock>> Lock(const Path& path) override;
  Result<Space> DiskSpace(const Path& path) const override;

 private:
  struct Node;
  struct Change;
  struct State;
  class Writer;
  class Reader;
  class HeldLock;

  std::shared_ptr<State> state_;  // shared with open files, which may outlive the file system
};

}  // namespace postglass
