#pragma once

#include <map>

#include "base/mutex.h"
#include "base/settings.h"

namespace postglass {

// Settings in memory. Thread-safe.
class MemorySettings final : public Settings {
 public:
  Result<std::optional<std::string>> Get(std::string_view kind,
                                         std::string_view key) const override {
    MutexLock lock(mutex_);
    const auto it = documents_.find({std::string(kind), std::string(key)});
    if (it == documents_.end()) return std::optional<std::string>();
    return std::optional(it->second);
  }

  Result<std::vector<Document>> List(std::string_view kind) const override {
    MutexLock lock(mutex_);
    std::vector<Document> found;
    for (auto it = documents_.lower_bound({std::string(kind), ""});
         it != documents_.end() && it->first.first == kind;
         ++it) {
      found.push_back({it->first.second, it->second});
    }
    return found;
  }

  Status Apply(const std::vector<Change>& changes) override {
    MutexLock lock(mutex_);
    if (failure_) return Fail(*failure_);
    for (const Change& change : changes) {
      if (change.json) {
        documents_.insert_or_assign({change.kind, change.key}, *change.json);
      } else {
        documents_.erase({change.kind, change.key});
      }
    }
    return {};
  }

  // Every Apply() fails with `failure` until it is called with nothing.
  void FailApply(std::optional<Error> failure) {
    MutexLock lock(mutex_);
    failure_ = std::move(failure);
  }

 private:
  mutable Mutex mutex_;
  std::map<std::pair<std::string, std::string>, std::string> documents_ GUARDED_BY(mutex_);
  std::optional<Error> failure_ GUARDED_BY(mutex_);
};

}  // namespace postglass
