#include "mail/delivery/carrier.h"

#include <algorithm>
#include <utility>

#include "base/mutex.h"

namespace postglass::mail {
namespace {

// Gathers the halves of a job that went to both carriers.
struct Halves {
  Mutex mutex;
  int missing GUARDED_BY(mutex) = 2;
  Progress together GUARDED_BY(mutex);
  std::function<void(Progress)> done;
};

void Add(const std::shared_ptr<Halves>& halves, const CarryJob& job, Progress progress) {
  Progress whole;
  {
    MutexLock lock(halves->mutex);
    Progress& together = halves->together;
    // One half that must be asked again keeps its recipients as they were; the other's news counts.
    if (progress.try_again_at) {
      for (const CarryJob::Due& due : job.due) {
        Progress::Change change{due.recipient, due.state};
        change.state.due = *progress.try_again_at;
        together.changes.push_back(change);
      }
    }
    std::move(progress.events.begin(), progress.events.end(), std::back_inserter(together.events));
    std::move(
        progress.changes.begin(), progress.changes.end(), std::back_inserter(together.changes));
    if (--halves->missing > 0) return;
    whole = std::move(together);
  }
  halves->done(std::move(whole));
}

}  // namespace

Timestamp CarrierRouter::FirstDue(const Mail& mail, std::size_t recipient) const {
  const Carrier& carrier = wants_(mail, recipient) ? first_ : otherwise_;
  return carrier.FirstDue(mail, recipient);
}

void CarrierRouter::Carry(CarryJob job, std::function<void(Progress)> done) {
  CarryJob first{job.mail, {}, job.now};
  CarryJob rest{job.mail, {}, job.now};
  for (const CarryJob::Due& due : job.due) {
    (wants_(*job.mail, due.recipient) ? first : rest).due.push_back(due);
  }
  if (rest.due.empty()) return first_.Carry(std::move(first), std::move(done));
  if (first.due.empty()) return otherwise_.Carry(std::move(rest), std::move(done));
  auto halves = std::make_shared<Halves>();
  halves->done = std::move(done);
  first_.Carry(first,
               [halves, first](Progress progress) { Add(halves, first, std::move(progress)); });
  otherwise_.Carry(rest,
                   [halves, rest](Progress progress) { Add(halves, rest, std::move(progress)); });
}

Counter& AttemptCounter(Metrics& metrics, std::string_view mode, std::string_view result) {
  return metrics.GetCounter("postglass_mail_delivery_attempts_total",
                            "Recipients by what one attempt of delivery came to",
                            {{"mode", mode}, {"result", result}});
}

}  // namespace postglass::mail
