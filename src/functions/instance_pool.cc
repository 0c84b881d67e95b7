#include "functions/instance_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postglass::functions {
namespace {

constexpr std::chrono::seconds kRound{20};

}  // namespace

InstancePool::InstancePool(const Clock& clock, Make make, Options options)
    : clock_(clock), make_(std::move(make)), options_(options) {
  thread_ = std::thread([this] { Run(); });
}

InstancePool::~InstancePool() {
  std::map<std::string, Instances> ending;  // each waits for its process: outside the lock
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    ending.swap(instances_);
    changed_.NotifyAll();
  }
  thread_.join();
}

InstancePool::Lease::~Lease() {
  if (sandbox_) pool_->GiveBack(name_, revision_id_, std::move(sandbox_));
}

Result<InstancePool::Lease> InstancePool::Acquire(const Function& function) {
  std::vector<std::shared_ptr<Sandbox>> ending;
  {
    MutexLock lock(mutex_);
    if (stopping_) return Fail(ErrorCode::kCancelled, "the host is stopping");
    Instances& own = instances_[function.name];
    while (!own.free.empty()) {
      Free free = std::move(own.free.back());
      own.free.pop_back();
      if (free.revision_id == function.revision_id && free.sandbox->usable()) {
        at_work_.insert(free.sandbox);
        return Lease(*this, function.name, function.revision_id, std::move(free.sandbox));
      }
      --own.count;
      --total_;
      ending.push_back(std::move(free.sandbox));
    }
    if (own.count >= options_.per_function_max) {
      return Fail(
          ErrorCode::kLimit,
          fmt::format("function {} is throttled: {} of it run already", function.name, own.count));
    }
    if (total_ >= options_.total_max) {
      auto oldest = TakeOldestFree();
      if (!oldest) {
        return Fail(
            ErrorCode::kLimit,
            fmt::format(
                "function {} is throttled: {} functions run already", function.name, total_));
      }
      ending.push_back(std::move(oldest));
    }
    ++own.count;
    ++total_;
  }
  ending.clear();
  auto made = make_(function);
  const std::shared_ptr<Sandbox> sandbox =
      made ? std::shared_ptr<Sandbox>(std::move(*made)) : nullptr;
  MutexLock lock(mutex_);
  if (sandbox && !stopping_) {
    at_work_.insert(sandbox);
    return Lease(*this, function.name, function.revision_id, sandbox);
  }
  --instances_[function.name].count;
  --total_;
  if (sandbox) return Fail(ErrorCode::kCancelled, "the host is stopping");
  return Fail(made.error());
}

void InstancePool::GiveBack(const std::string& name,
                            const std::string& revision_id,
                            std::shared_ptr<Sandbox> sandbox) {
  MutexLock lock(mutex_);
  at_work_.erase(sandbox);
  Instances& own = instances_[name];
  if (sandbox->usable() && !stopping_) {
    own.free.push_back({std::move(sandbox), revision_id, clock_.Monotonic()});
    return;
  }
  --own.count;
  --total_;
}

std::shared_ptr<Sandbox> InstancePool::TakeOldestFree() {
  Instances* owner = nullptr;
  for (auto& [name, own] : instances_) {
    if (own.free.empty()) continue;
    if (owner == nullptr || own.free.front().since < owner->free.front().since) owner = &own;
  }
  if (owner == nullptr) return nullptr;
  auto sandbox = std::move(owner->free.front().sandbox);
  owner->free.erase(owner->free.begin());
  --owner->count;
  --total_;
  return sandbox;
}

void InstancePool::Interrupt() {
  std::vector<std::shared_ptr<Sandbox>> at_work;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
    at_work.assign(at_work_.begin(), at_work_.end());
  }
  for (const auto& sandbox : at_work) sandbox->Interrupt();
}

void InstancePool::Forget(const std::string& name) {
  std::vector<Free> ending;
  MutexLock lock(mutex_);
  const auto own = instances_.find(name);
  if (own == instances_.end()) return;
  ending.swap(own->second.free);
  own->second.count -= ending.size();
  total_ -= ending.size();
}

void InstancePool::EndIdle() {
  std::vector<std::shared_ptr<Sandbox>> ending;
  MutexLock lock(mutex_);
  const auto now = clock_.Monotonic();
  for (auto own = instances_.begin(); own != instances_.end();) {
    std::erase_if(own->second.free, [&](Free& free) {
      if (now - free.since < options_.idle_max && free.sandbox->usable()) return false;
      ending.push_back(std::move(free.sandbox));
      --own->second.count;
      --total_;
      return true;
    });
    own = own->second.count == 0 ? instances_.erase(own) : std::next(own);
  }
}

void InstancePool::Run() {
  for (;;) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) changed_.WaitFor(mutex_, kRound);
      if (stopping_) return;
    }
    EndIdle();
  }
}

}  // namespace postglass::functions
