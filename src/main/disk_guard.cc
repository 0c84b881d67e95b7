#include "main/disk_guard.h"

#include <fmt/format.h>

namespace postglass {
namespace {

constexpr std::chrono::seconds kAskEvery{1};

}  // namespace

DiskGuard::DiskGuard(
    const FileSystem& fs, const Clock& clock, Metrics& metrics, Path path, Limits limits)
    : fs_(fs),
      clock_(clock),
      path_(std::move(path)),
      limits_(limits),
      used_percent_(metrics.GetGauge("postglass_disk_used_percent",
                                     "How full the disk of the data directory is")) {}

DiskGuard::State DiskGuard::Current() {
  const auto now = clock_.Monotonic();
  {
    MutexLock lock(mutex_);
    if (now - asked_at_ < kAskEvery) return state_;
    asked_at_ = now;
  }
  State state;
  // Space reserved for root counts as used, as for everybody who is not root.
  if (const auto space = fs_.DiskSpace(path_); space && space->total_bytes > 0) {
    const std::uint64_t used = space->total_bytes - space->available_bytes;
    const std::uint64_t allowed =
        space->total_bytes / 100 * static_cast<std::uint64_t>(limits_.stop_percent);
    state.known = true;
    state.used_percent = static_cast<std::int64_t>(used * 100 / space->total_bytes);
    state.missing_bytes = used > allowed ? used - allowed : 0;
    used_percent_.Set(static_cast<double>(state.used_percent));
  }
  MutexLock lock(mutex_);
  state_ = state;
  return state;
}

Status DiskGuard::MayWrite() {
  const State state = Current();
  if (!state.known || state.used_percent < limits_.stop_percent) return {};
  return Fail(
      ErrorCode::kDiskFull,
      fmt::format("the disk of {} is {} % full, and nothing new is taken from {} % on; free "
                  "at least {} MB",
                  path_.string(),
                  state.used_percent,
                  limits_.stop_percent,
                  state.missing_bytes / 1'000'000 + 1));
}

std::string DiskGuard::Warning() {
  if (const Status may = MayWrite(); !may) return may.error().message;
  const State state = Current();
  if (!state.known || state.used_percent < limits_.warn_percent) return "";
  return fmt::format("the disk of {} is {} % full; from {} % on nothing new is taken",
                     path_.string(),
                     state.used_percent,
                     limits_.stop_percent);
}

Status GuardedSpool::Accept(mail::Mail mail) {
  RETURN_IF_ERROR(guard_.MayWrite());
  return spool_.Accept(std::move(mail));
}

void GuardedSpool::AcceptAsync(mail::Mail mail, std::function<void(Status)> done) {
  if (Status may = guard_.MayWrite(); !may) return done(std::move(may));
  spool_.AcceptAsync(std::move(mail), std::move(done));
}

Status GuardedSpool::Record(mail::MailEvent event) { return spool_.Record(std::move(event)); }

}  // namespace postglass
