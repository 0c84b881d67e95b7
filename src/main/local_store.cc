#include "main/local_store.h"

#include <fmt/format.h>

#include "store/embedded/embedded_store.h"

namespace postglass {

Result<std::unique_ptr<LocalStore>> LocalStore::Open(const CommandContext& context,
                                                     const Path& data) {
  if (!context.fs.Exists(data / "format")) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("no server runs on {} and it is no Postglass data directory; give "
                            "--data or --url",
                            data.string()));
  }
  std::unique_ptr<LocalStore> local(new LocalStore);
  ASSIGN_OR_RETURN(local->directory_,
                   DataDirectory::OpenForWriting(context.fs, context.random, data));
  ASSIGN_OR_RETURN(local->store_,
                   store::EmbeddedStore::Open(context.fs,
                                              context.clock,
                                              local->metrics_,
                                              local->directory_->store(),
                                              store::EmbeddedStore::Options()));
  return local;
}

}  // namespace postglass
