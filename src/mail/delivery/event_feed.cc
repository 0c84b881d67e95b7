#include "mail/delivery/event_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/mutex.h"
#include "mail/delivery/spool_crypt.h"
#include "mail/delivery/spool_record.h"
#include "mail/event_json.h"

namespace postglass::mail {
namespace {

// The caller has other things to do between.
constexpr int kRecordsPerStep = 4096;

}  // namespace

// What callbacks tell. Lives as long as the last of them.
struct EventFeed::Answers {
  mutable Mutex mutex;
  CondVar changed;
  std::map<journal::Sequence, std::size_t> open GUARDED_BY(mutex);  // unanswered events of a record
  std::size_t outstanding GUARDED_BY(mutex) = 0;                    // handed over, no answer yet
  std::map<std::pair<journal::Sequence, std::size_t>, std::shared_ptr<Pending>> failed
      GUARDED_BY(mutex);
  std::string why GUARDED_BY(mutex);  // of the last failure
};

EventFeed::EventFeed(const journal::Journal& journal,
                     const SecretBox& box,
                     EventPublisher& publisher,
                     const Clock& clock,
                     Metrics& metrics,
                     Options options,
                     journal::Sequence after)
    : journal_(journal),
      box_(box),
      publisher_(publisher),
      clock_(clock),
      metrics_(metrics),
      options_(options),
      unreadable_(metrics.GetCounter("postglass_mail_spool_unreadable_total",
                                     "Records of the spool that could not be read")),
      answers_(std::make_shared<Answers>()),
      read_to_(after) {}

EventFeed::~EventFeed() = default;

bool EventFeed::Step() {
  if (Retry()) return true;
  if (retrying()) return false;
  if (std::exchange(read_failed_, false)) retry_at_ = std::chrono::nanoseconds(0);
  bool worked = false;
  for (int records = 0; records < kRecordsPerStep; ++records) {
    {
      MutexLock lock(answers_->mutex);
      if (answers_->outstanding >= options_.window || !answers_->failed.empty()) return worked;
    }
    if (!reader_) {
      Result<std::unique_ptr<journal::Journal::Reader>> reader = journal_.Read(read_to_);
      if (!reader) {
        ReadFailed(reader.error());
        return worked;
      }
      reader_ = std::move(*reader);
    }
    const journal::Sequence durable = journal_.durable_sequence();
    Result<std::optional<journal::Record>> record = reader_->Next();
    if (!record) {
      reader_.reset();
      ReadFailed(record.error());
      return worked;
    }
    if (!*record) {
      read_to_ = std::max(read_to_, durable);  // damaged records at the end are passed too
      return worked;
    }
    Read(**record);
    read_to_ = (*record)->sequence;
    worked = true;
  }
  return worked;
}

void EventFeed::Read(const journal::Record& record) {
  Result<SpoolRecord> decoded = OpenSpoolRecord(box_, record.payload);
  if (!decoded) {
    unreadable_.Add();
    log::Error("mail", "spool record {}: {}", record.sequence, decoded.error().message);
    return;
  }
  std::vector<MailEvent> events;
  if (auto* accepted = std::get_if<AcceptedRecord>(&*decoded)) {
    Mail& mail = accepted->mail;
    std::string& shown = mail.send_object.empty() ? mail.mail_object : mail.send_object;
    events.push_back(
        {{mail.message_id, mail.configuration_set, std::move(shown)}, SendDetail{}, {}});
  } else if (auto* outcome = std::get_if<OutcomeRecord>(&*decoded)) {
    for (CarriedEvent& event : outcome->events) {
      events.push_back({outcome->subject, std::move(event.detail), std::move(event.extra_tags)});
    }
  } else if (auto* event = std::get_if<EventRecord>(&*decoded)) {
    events.push_back(std::move(event->event));
  }
  if (events.empty()) return;
  {
    MutexLock lock(answers_->mutex);
    answers_->open[record.sequence] = events.size();
  }
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto pending = std::make_shared<Pending>();
    // The message id is random: a spool that begins again at sequence 1 makes no key twice.
    pending->key = fmt::format("{}:{}.{}", events[i].subject.message_id, record.sequence, i);
    pending->event = std::move(events[i]);
    pending->sequence = record.sequence;
    pending->index = i;
    Publish(std::move(pending));
  }
}

void EventFeed::Publish(std::shared_ptr<Pending> pending) {
  {
    MutexLock lock(answers_->mutex);
    ++answers_->outstanding;
  }
  Counter& published = metrics_.GetCounter("postglass_mail_events_published_total",
                                           "Events that every destination of their set has",
                                           {{"type", EventTypeName(pending->event.detail)}});
  const MailEvent& event = pending->event;
  std::string key = pending->key;
  publisher_.PublishAsync(
      event, std::move(key), [answers = answers_, pending, &published](Status status) {
        MutexLock lock(answers->mutex);
        --answers->outstanding;
        if (status) {
          published.Add();
          const auto open = answers->open.find(pending->sequence);
          if (open != answers->open.end() && --open->second == 0) answers->open.erase(open);
        } else {
          answers->failed[{pending->sequence, pending->index}] = pending;
          answers->why = status.error().message;
        }
        // One journal answers many events in a row: the last of them wakes the feed, not each.
        if (answers->outstanding == 0) answers->changed.NotifyAll();
      });
}

void EventFeed::ReadFailed(const Error& error) {
  // Trimmed away under the reader: only possible when the cursor on disk was older than the
  // trimming, so all of it is published.
  if (error.code == ErrorCode::kNotFound) {
    read_to_ = std::max(read_to_, journal_.first_sequence() - 1);
  }
  read_failed_ = true;
  BackOff(error.message);
}

void EventFeed::BackOff(std::string_view why) {
  backoff_ = std::clamp(backoff_ * 2, options_.backoff_first, options_.backoff_max);
  retry_at_ = clock_.Monotonic() + backoff_;
  log::Warn("mail",
            "events cannot be published, trying again in {} ms: {}",
            std::chrono::duration_cast<std::chrono::milliseconds>(backoff_).count(),
            why);
}

bool EventFeed::Retry() {
  std::string why;
  {
    MutexLock lock(answers_->mutex);
    if (answers_->failed.empty()) {
      if (answers_->outstanding == 0 && !read_failed_) backoff_ = std::chrono::nanoseconds(0);
      return false;
    }
    // Those still on their way may fail too; order is kept by waiting for them.
    if (answers_->outstanding > 0) return false;
    why = answers_->why;
  }
  if (retry_at_ == std::chrono::nanoseconds(0)) BackOff(why);
  if (clock_.Monotonic() < retry_at_) return false;
  retry_at_ = std::chrono::nanoseconds(0);
  std::vector<std::shared_ptr<Pending>> again;
  {
    MutexLock lock(answers_->mutex);
    for (auto& [place, pending] : answers_->failed) again.push_back(pending);
    answers_->failed.clear();
  }
  for (std::shared_ptr<Pending>& pending : again) Publish(std::move(pending));
  return true;
}

void EventFeed::WaitAnswer(std::chrono::nanoseconds limit) {
  MutexLock lock(answers_->mutex);
  if (answers_->outstanding > 0 || !answers_->failed.empty() || read_failed_) {
    answers_->changed.WaitFor(answers_->mutex, limit);
  }
}

journal::Sequence EventFeed::published() const {
  MutexLock lock(answers_->mutex);
  return answers_->open.empty() ? read_to_ : answers_->open.begin()->first - 1;
}

bool EventFeed::idle() const {
  MutexLock lock(answers_->mutex);
  return answers_->outstanding == 0 && answers_->failed.empty() &&
         read_to_ >= journal_.durable_sequence();
}

bool EventFeed::retrying() const {
  if (read_failed_ && clock_.Monotonic() < retry_at_) return true;
  MutexLock lock(answers_->mutex);
  return !answers_->failed.empty();
}

}  // namespace postglass::mail
