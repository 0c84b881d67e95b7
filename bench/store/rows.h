#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::bench {

// The figures, one JSON object a line on standard output.
class Rows {
 public:
  explicit Rows(std::uint64_t events) : events_(events) {}

  void Print(std::string_view row, double value, std::string_view unit) const;
  // Instead of the figure of a wrong answer; the process is to end with failure.
  void PrintWrong(std::string_view row, std::string_view why);

  bool any_wrong() const { return wrong_ > 0; }

 private:
  const std::uint64_t events_;
  int wrong_ = 0;
};

double Median(std::vector<double> values);
// Of all its threads, in user and kernel mode.
double ProcessCpuSeconds();
double ThreadCpuSeconds();
double NowSeconds();  // monotonic

// Highest resident memory since the last reset, in MB of 10^6 bytes.
double PeakMemoryMb();
void ResetPeakMemory();

}  // namespace postglass::bench
