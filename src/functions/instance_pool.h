#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "functions/function.h"
#include "functions/sandbox.h"

namespace postglass::functions {

// The sandboxes of all functions: one that is free is used again (a warm start), others are made
// while the bounds allow, those nobody used for a while are ended. Thread-safe.
class InstancePool {
 public:
  struct Options {
    std::size_t per_function_max = 10;
    std::size_t total_max = 32;  // some processes of a machine that also runs the server
    std::chrono::seconds idle_max{300};
  };

  // Makes a sandbox for the function as it is now; may block.
  using Make = std::function<Result<std::unique_ptr<Sandbox>>(const Function&)>;

  InstancePool(const Clock& clock, Make make, Options options);
  // Ends all; none may be in use.
  ~InstancePool();
  InstancePool(const InstancePool&) = delete;
  InstancePool& operator=(const InstancePool&) = delete;

  // A sandbox of its own for one invocation; gives it back when destroyed.
  class Lease {
   public:
    Lease(InstancePool& pool, std::string name, std::string revision_id, std::shared_ptr<Sandbox> s)
        : pool_(&pool),
          name_(std::move(name)),
          revision_id_(std::move(revision_id)),
          sandbox_(std::move(s)) {}

    ~Lease();
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;

    Sandbox& sandbox() { return *sandbox_; }

   private:
    InstancePool* pool_;
    std::string name_;
    std::string revision_id_;
    std::shared_ptr<Sandbox> sandbox_;
  };

  // kLimit: all that may be are at work. Else the errors of `make`.
  Result<Lease> Acquire(const Function& function);
  // Ends the free sandboxes of a function that is deleted.
  void Forget(const std::string& name);
  // Ends what is at work, and lets nothing begin any more.
  void Interrupt();
  // Ends those that were free for idle_max; the pool's thread calls it now and then.
  void EndIdle();

 private:
  struct Free {
    std::shared_ptr<Sandbox> sandbox;
    std::string revision_id;
    std::chrono::nanoseconds since{0};
  };

  struct Instances {
    std::vector<Free> free;  // the last one was used last
    std::size_t count = 0;   // free, at work and in the making
  };

  void GiveBack(const std::string& name,
                const std::string& revision_id,
                std::shared_ptr<Sandbox> sandbox);
  std::shared_ptr<Sandbox> TakeOldestFree() REQUIRES(mutex_);
  void Run();

  const Clock& clock_;
  const Make make_;
  const Options options_;
  Mutex mutex_;
  CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::set<std::shared_ptr<Sandbox>> at_work_ GUARDED_BY(mutex_);
  std::size_t total_ GUARDED_BY(mutex_) = 0;
  std::map<std::string, Instances> instances_ GUARDED_BY(mutex_);  // by function name
  std::thread thread_;
};

}  // namespace postglass::functions
