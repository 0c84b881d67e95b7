#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/worker_pool.h"
#include "net/address.h"

namespace postglass::net {

using Deadline = std::chrono::steady_clock::time_point;

// Host names to addresses by the system's resolver, which knows no time-out of its own: it runs on
// threads of this class, and a caller stops waiting at its deadline. Thread-safe.
class Resolver {
 public:
  Resolver();

  // In the order to try them, 16 at most. A numeric address is itself, at once. Errors:
  // kUnavailable (unknown host, resolver down, too many look-ups waiting), kTimeout.
  Result<std::vector<SocketAddress>> Resolve(const std::string& host, int port, Deadline deadline);

 private:
  WorkerPool pool_;
};

}  // namespace postglass::net
