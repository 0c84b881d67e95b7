#include "main/commands/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

namespace postglass {
namespace {

constexpr std::chrono::seconds kQuiet{1};  // what is done sooner needs no progress
constexpr std::chrono::milliseconds kTerminalInterval{200};
constexpr std::chrono::seconds kLogInterval{10};

}  // namespace

ProgressLine::ProgressLine(const Clock& clock, std::string what)
    : clock_(clock),
      what_(std::move(what)),
      terminal_(isatty(STDERR_FILENO) == 1),
      started_(clock.Monotonic()),
      shown_(started_) {}

ProgressLine::~ProgressLine() {
  if (open_) std::fputc('\n', stderr);
}

void ProgressLine::Update(std::uint64_t done_bytes, std::uint64_t total_bytes) {
  const std::chrono::nanoseconds now = clock_.Monotonic();
  if (now - started_ < kQuiet) return;
  const std::chrono::nanoseconds interval =
      terminal_ ? std::chrono::nanoseconds(kTerminalInterval) : kLogInterval;
  if (now - shown_ < interval) return;
  shown_ = now;
  const std::string text =
      fmt::format("{}: {} of {}", what_, BytesText(done_bytes), BytesText(total_bytes));
  std::fprintf(stderr, terminal_ ? "\r%s\033[K" : "%s\n", text.c_str());
  std::fflush(stderr);
  open_ = terminal_;
}

std::string BytesText(std::uint64_t bytes) {
  constexpr double kStep = 1000;
  if (bytes < 1000) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  for (const char* unit : {"kB", "MB", "GB"}) {
    value /= kStep;
    if (value < kStep) return fmt::format("{:.1f} {}", value, unit);
  }
  return fmt::format("{:.1f} TB", value / kStep);
}

}  // namespace postglass
