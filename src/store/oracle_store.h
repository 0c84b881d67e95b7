#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "base/mutex.h"
#include "store/log_store.h"

namespace postglass::store {

// The plainest store that can be right: a vector in memory, a full scan for every plan, each answer
// computed from the list of matching events. The tests' oracle for the other stores, and a store
// for the tests of other folders. Keeps nothing over a restart. Thread-safe.
class OracleStore final : public LogStore {
 public:
  static constexpr std::int64_t kDedupWindowHours = 72;

  void AppendAsync(std::vector<NewEvent> batch, Appended done) override;
  Result<RunReport> Run(const Plan& plan, Sink& sink) override;
  Result<DeleteReport> Delete(const Plan& selection) override;
  using LogStore::Erase;
  Result<EraseReceipt> Erase(std::string_view address, const StoreProgress& progress) override;
  Description Describe() const override;

  Status Flush() override { return {}; }

  // Appends fail with this from now on; nothing: they work again. For tests of overload.
  void FailAppendsWith(std::optional<Error> error);

 private:
  Result<AppendResult> AppendNow(std::vector<NewEvent> batch);

  mutable Mutex mutex_;
  std::vector<Event> events_ GUARDED_BY(mutex_);
  std::map<DedupKey, std::int64_t> key_hours_ GUARDED_BY(mutex_);  // hour of ingest
  std::optional<Error> append_error_ GUARDED_BY(mutex_);
};

}  // namespace postglass::store
