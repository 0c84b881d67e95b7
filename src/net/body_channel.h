#pragma once

#include <functional>
#include <string>

#include "base/mutex.h"
#include "net/http.h"

namespace postglass::net {

// The pipe from a worker that produces a streamed body to the event loop that sends it. Holds at
// most kPendingBytesMax, whatever the speed of the client.
class BodyChannel final : public BodyWriter {
 public:
  static constexpr std::size_t kPendingBytesMax = 256 << 10;

  // `notify` wakes the sender and must not call back; `peer_gone` looks at the connection. Both run
  // on the worker's thread.
  BodyChannel(std::function<void()> notify, std::function<bool()> peer_gone);

  // The producer's side, on the worker.
  bool Write(std::string_view piece) override;
  bool Gone() override;

  // The sender's side, on the loop.
  struct Taken {
    std::string bytes;
    bool finished = false;  // nothing comes after `bytes`
    bool complete = false;  // finished, and nothing is missing
  };

  Taken Take();
  // Write() and Gone() tell the producer from now on that nobody wants more.
  void Abandon();

  // The last call on the worker's side. A body whose producer was told to stop is never complete.
  enum class End { kComplete, kBroken };
  void Finish(End end);

 private:
  const std::function<void()> notify_;
  const std::function<bool()> peer_gone_;
  Mutex mutex_;
  CondVar room_;
  std::string pending_ GUARDED_BY(mutex_);
  bool abandoned_ GUARDED_BY(mutex_) = false;
  bool told_ GUARDED_BY(mutex_) = false;  // the producer has heard of it
  bool broken_ GUARDED_BY(mutex_) = false;
  bool finished_ GUARDED_BY(mutex_) = false;
};

}  // namespace postglass::net
