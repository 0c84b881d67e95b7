#include "intake/refusals.h"

#include "base/encoding.h"
#include "pipelines/string_builder.h"

namespace postglass::intake {

void RefusalLog::Add(Refusal refusal) {
  for (std::string* text : {&refusal.reason,
                            &refusal.detail,
                            &refusal.type,
                            &refusal.topic_arn,
                            &refusal.message_id,
                            &refusal.peer_address}) {
    // Cut before it is looked at: the sender chose its length.
    const std::string repaired = ToValidUtf8(std::string_view(*text).substr(0, kTextBytesMax));
    *text = std::string(pipelines::CutUtf8(repaired, kTextBytesMax));
  }
  MutexLock lock(mutex_);
  if (refusals_.size() == kKeptMax) refusals_.pop_front();
  refusals_.push_back(std::move(refusal));
}

std::vector<Refusal> RefusalLog::Newest() const {
  MutexLock lock(mutex_);
  return {refusals_.rbegin(), refusals_.rend()};
}

}  // namespace postglass::intake
