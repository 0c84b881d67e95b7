#include "store/embedded/table/table_merge.h"

namespace postglass::store {

Result<std::shared_ptr<const MemoryTable>> MergeTables(std::span<const MergeInput>,
                                                       std::stop_token) {
  return Fail(ErrorCode::kUnsupported, "merge");
}

}  // namespace postglass::store
