#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace postglass::bench {

// Durations in milliseconds, and their order statistics. Not thread-safe.
class Latencies {
 public:
  void Add(double ms) { values_ms_.push_back(ms); }

  void Add(const Latencies& other) {
    values_ms_.insert(values_ms_.end(), other.values_ms_.begin(), other.values_ms_.end());
  }

  // Of the values so far, nearest rank; 0 when there are none.
  double Percentile(double share) const;

  std::size_t size() const { return values_ms_.size(); }

 private:
  std::vector<double> values_ms_;
};

struct LoadReport {
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  double seconds = 0;
  Latencies latency;
  std::string first_refusal;

  double per_second() const { return static_cast<double>(accepted) / seconds; }
};

// Sends the n-th piece of work; made once a connection, used by that connection's thread alone.
using Sender = std::function<Status(std::uint64_t n)>;
using MakeSender = std::function<Result<Sender>(std::size_t connection)>;

// Each connection sends the next as soon as the last was answered, for `seconds`. Connections are
// opened before the clock runs. Fails when one cannot be opened.
Result<LoadReport> RunClosedLoop(std::size_t connections, double seconds, const MakeSender& make);

// The n-th is due at n / `per_second` after the start, however long the others take: a server that
// stalls is not spared the work that would have come meanwhile. Latency counts from when it was
// due. Ends after twice the time, with what was sent until then.
Result<LoadReport> RunPacedLoop(std::size_t connections,
                                double seconds,
                                double per_second,
                                const MakeSender& make);

}  // namespace postglass::bench
