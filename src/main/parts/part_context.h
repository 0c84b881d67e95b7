#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "journal/journal.h"
#include "main/data_directory.h"
#include "main/disk_guard.h"
#include "main/health.h"
#include "main/options.h"
#include "main/server.h"
#include "net/http_client.h"

namespace postglass {

// Where the doors are, once they are open; read by every thread that makes a URL for others.
class PublicAddresses {
 public:
  void Set(std::string own_http, std::string own_https, std::string configured) {
    MutexLock lock(mutex_);
    own_http_ = std::move(own_http);
    public_url_ = configured.empty() ? std::move(own_https) : std::move(configured);
  }

  std::string public_url() const {
    MutexLock lock(mutex_);
    return public_url_;
  }

  // Of the plain HTTP listener, for our own processes on this machine.
  std::string own_http() const {
    MutexLock lock(mutex_);
    return own_http_;
  }

 private:
  mutable Mutex mutex_;
  std::string own_http_ GUARDED_BY(mutex_);
  std::string public_url_ GUARDED_BY(mutex_) = "https://localhost";
};

// What every part is made with; outlives them all.
struct PartContext {
  // Errors: kCorruption of the settings.
  static Result<std::unique_ptr<PartContext>> Make(const Server::World& world,
                                                   DataDirectory& directory,
                                                   const Options& options);

  PartContext(const Server::World& the_world,
              DataDirectory& the_directory,
              const Options& configured)
      : world(the_world), directory(the_directory), options(configured) {}

  journal::Durability durability() const;
  // Says in the log, and what was damaged also to people, how a journal was found.
  void NoteRecovery(std::string_view what, const journal::Recovery& recovery);

  const Server::World world;
  DataDirectory& directory;
  const Options options;
  aws::Account account;
  Metrics metrics;
  Health health;
  PublicAddresses addresses;
  std::unique_ptr<net::HttpClient> outside;  // to others
  std::unique_ptr<DiskGuard> disk;
};

// Nobody waits for outbox and capture but the stages behind them, which do better in batches. Far
// below what an event may take until it is searchable.
inline constexpr std::chrono::milliseconds kCommitSpacing{3};

std::string WithoutSlash(std::string url);

}  // namespace postglass
