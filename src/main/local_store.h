#pragma once

#include <memory>

#include "base/metrics.h"
#include "base/result.h"
#include "main/commands/context.h"
#include "store/log_store.h"

namespace postglass {

// The events of a data directory that no server has open, for the commands that answer without one.
class LocalStore {
 public:
  // kUnavailable when a server has it, kNotFound when it is no data directory.
  static Result<std::unique_ptr<LocalStore>> Open(const CommandContext& context, const Path& data);

  store::LogStore& store() { return *store_; }

  Metrics& metrics() { return metrics_; }

  Settings& settings() { return directory_->settings(); }

 private:
  LocalStore() = default;

  std::unique_ptr<DataDirectory> directory_;
  Metrics metrics_;
  std::unique_ptr<store::LogStore> store_;
};

}  // namespace postglass
