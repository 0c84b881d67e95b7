#include "bench/store/rows.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace postglass::bench {

namespace {

double Seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

}  // namespace

void Rows::Print(std::string_view row, double value, std::string_view unit) const {
  fmt::print(R"({{"row":"{}","value":{:.4f},"unit":"{}","events":{}}})"
             "\n",
             row,
             value,
             unit,
             events_);
  std::fflush(stdout);
}

void Rows::PrintWrong(std::string_view row, std::string_view why) {
  ++wrong_;
  fmt::print(stderr, "WRONG ANSWER {}: {}\n", row, why);
  std::string quoted;
  for (const char c : why) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  fmt::print(R"({{"row":"{}","error":"{}","events":{}}})"
             "\n",
             row,
             quoted,
             events_);
  std::fflush(stdout);
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double ProcessCpuSeconds() { return Seconds(CLOCK_PROCESS_CPUTIME_ID); }

double ThreadCpuSeconds() { return Seconds(CLOCK_THREAD_CPUTIME_ID); }

double NowSeconds() { return Seconds(CLOCK_MONOTONIC); }

double PeakMemoryMb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtod(line.c_str() + 6, nullptr) * 1024 / 1e6;
  }
  return 0;
}

void ResetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace postglass::bench
