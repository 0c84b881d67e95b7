#pragma once

#include <cstdint>
#include <memory>

#include "base/clock.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "store/log_store.h"

namespace postglass::bench {

// The engine that is measured, in a directory; the rest of the benchmark sees a LogStore.
class MeasuredStore {
 public:
  explicit MeasuredStore(Path dir);
  ~MeasuredStore();

  // Ends the program when the store cannot be opened. Returns the seconds it took.
  double Open();
  void Close();
  // What a restart on a machine with cold caches finds: closes, asks the kernel to forget the
  // files' pages, opens.
  void Reopen();

  // Both only while closed.
  void Empty();
  void CopyFrom(const MeasuredStore& other);

  store::LogStore& operator*() const { return *store_; }

  std::uint64_t BytesOnDisk() const;  // of all files

 private:
  const Path dir_;
  PosixFileSystem fs_;
  SystemClock clock_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<store::LogStore> store_;
};

}  // namespace postglass::bench
