#include "net/body_channel.h"

#include <algorithm>
#include <utility>

namespace postglass::net {

BodyChannel::BodyChannel(std::function<void()> notify, std::function<bool()> peer_gone)
    : notify_(std::move(notify)), peer_gone_(std::move(peer_gone)) {}

bool BodyChannel::Write(std::string_view piece) {
  while (!piece.empty()) {
    bool was_empty = false;
    {
      MutexLock lock(mutex_);
      while (pending_.size() >= kPendingBytesMax && !abandoned_) room_.Wait(mutex_);
      if (abandoned_) {
        told_ = true;
        return false;
      }
      was_empty = pending_.empty();
      const std::size_t part = std::min(piece.size(), kPendingBytesMax - pending_.size());
      pending_.append(piece.substr(0, part));
      piece.remove_prefix(part);
    }
    if (was_empty) notify_();
  }
  return true;
}

bool BodyChannel::Gone() {
  const bool peer_gone = peer_gone_();
  MutexLock lock(mutex_);
  if (peer_gone || abandoned_) told_ = true;
  return told_;
}

BodyChannel::Taken BodyChannel::Take() {
  Taken taken;
  MutexLock lock(mutex_);
  taken.bytes.swap(pending_);
  taken.finished = finished_;
  taken.complete = finished_ && !told_ && !broken_;
  room_.NotifyAll();
  return taken;
}

void BodyChannel::Abandon() {
  MutexLock lock(mutex_);
  abandoned_ = true;
  room_.NotifyAll();
}

void BodyChannel::Finish(End end) {
  MutexLock lock(mutex_);
  broken_ = end == End::kBroken;
  finished_ = true;
  notify_();
}

}  // namespace postglass::net
