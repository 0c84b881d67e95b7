#include "store/log_store.h"

#include <future>

namespace postglass::store {

Result<AppendResult> LogStore::Append(std::vector<NewEvent> batch) {
  std::promise<Result<AppendResult>> promise;
  std::future<Result<AppendResult>> result = promise.get_future();
  AppendAsync(std::move(batch),
              [&promise](Result<AppendResult> r) { promise.set_value(std::move(r)); });
  return result.get();
}

}  // namespace postglass::store
