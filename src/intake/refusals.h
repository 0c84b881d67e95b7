#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"

namespace postglass::intake {

// A delivery by a hook that was not believed. Texts come from whoever sent it.
struct Refusal {
  Timestamp at;
  std::string reason;  // of a closed set: signature, topic_not_allowed …
  std::string detail;  // one line for the operator
  std::string type;
  std::string topic_arn;
  std::string message_id;
  std::string peer_address;
};

// The newest refusals, for look-up. Bounded in number and size of texts. Thread-safe.
class RefusalLog {
 public:
  static constexpr std::size_t kKeptMax = 1000;
  static constexpr std::size_t kTextBytesMax = 300;

  void Add(Refusal refusal);
  std::vector<Refusal> Newest() const;  // newest first

 private:
  mutable Mutex mutex_;
  std::deque<Refusal> refusals_ GUARDED_BY(mutex_);
};

}  // namespace postglass::intake
