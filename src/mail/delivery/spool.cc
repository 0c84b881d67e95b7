#include "mail/delivery/spool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/awaited.h"
#include "base/log.h"
#include "mail/delivery/spool_crypt.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kCursor = "publisher";
// How often the cursor is saved and old files are looked at while events flow. What was published
// since is published again after a crash: the number bounds that for crashes that come faster than
// the time.
constexpr std::chrono::milliseconds kMaintainEvery{500};
constexpr journal::Sequence kMaintainRecords = 1024;
constexpr std::chrono::milliseconds kAnswerWait{100};

}  // namespace

Result<std::unique_ptr<DeliverySpool>> DeliverySpool::Open(FileSystem& fs,
                                                           const Clock& clock,
                                                           Metrics& metrics,
                                                           const SecretBox& box,
                                                           const Path& dir,
                                                           Carrier& carrier,
                                                           EventPublisher& publisher,
                                                           RecentMails* recent,
                                                           Options options) {
  std::unique_ptr<DeliverySpool> spool(
      new DeliverySpool(clock, metrics, box, carrier, publisher, recent, options));
  journal::Options journal_options;
  journal_options.file_bytes_max = options.file_bytes_max;
  journal_options.durability = options.durability;
  journal_options.name = "spool";
  ASSIGN_OR_RETURN(
      spool->journal_,
      journal::Journal::Open(fs, clock, metrics, dir, journal_options, &spool->recovery_));
  RETURN_IF_ERROR(spool->Recover());
  return spool;
}

DeliverySpool::DeliverySpool(const Clock& clock,
                             Metrics& metrics,
                             const SecretBox& box,
                             Carrier& carrier,
                             EventPublisher& publisher,
                             RecentMails* recent,
                             Options options)
    : clock_(clock),
      metrics_(metrics),
      box_(box),
      carrier_(carrier),
      publisher_(publisher),
      recent_(recent),
      options_(options),
      steps_done_(metrics.GetCounter("postglass_mail_delivery_steps_total",
                                     "Steps of delivery by how they ended",
                                     {{"result", "done"}})),
      steps_postponed_(metrics.GetCounter("postglass_mail_delivery_steps_total",
                                          "Steps of delivery by how they ended",
                                          {{"result", "postponed"}})),
      saves_failed_(metrics.GetCounter("postglass_mail_spool_save_failures_total",
                                       "Outcomes of delivery that could not be written at once")),
      unreadable_(metrics.GetCounter("postglass_mail_spool_unreadable_total",
                                     "Records of the spool that could not be read")),
      waiting_(options.memory,
               metrics.GetGauge("postglass_mail_spool_waiting",
                                "Mails whose recipients are not all done")) {}

DeliverySpool::~DeliverySpool() { Stop(); }

Status DeliverySpool::Recover() {
  ASSIGN_OR_RETURN(saved_cursor_, journal_->LoadCursor(kCursor));
  const journal::Sequence before_first = journal_->first_sequence() - 1;
  ASSIGN_OR_RETURN(const std::unique_ptr<journal::Journal::Reader> reader,
                   journal_->Read(before_first));
  while (true) {
    ASSIGN_OR_RETURN(std::optional<journal::Record> record, reader->Next());
    if (!record) break;
    Result<SpoolRecord> decoded = OpenSpoolRecord(box_, record->payload);
    if (!decoded) {
      unreadable_.Add();
      log::Error("mail", "spool record {}: {}", record->sequence, decoded.error().message);
      continue;
    }
    Recovered(record->sequence, std::move(*decoded));
  }
  if (waiting_.size() > 0) log::Info("mail", "{} unfinished mails taken up", waiting_.size());
  feed_ = std::make_unique<EventFeed>(*journal_,
                                      box_,
                                      publisher_,
                                      clock_,
                                      metrics_,
                                      options_.feed,
                                      std::max(saved_cursor_, before_first));
  maintained_at_ = clock_.Monotonic();
  maintained_to_ = feed_->published();
  return {};
}

void DeliverySpool::Recovered(journal::Sequence sequence, SpoolRecord record) {
  const Timestamp now = clock_.Now();
  if (auto* accepted = std::get_if<AcceptedRecord>(&record)) {
    auto mail = std::make_shared<const Mail>(std::move(accepted->mail));
    if (recent_ != nullptr) recent_->Add(*mail);
    std::vector<RecipientState> states = FirstStates(*mail);
    waiting_.Add(sequence, sequence, std::move(mail), std::move(states), now);
  } else if (auto* copied = std::get_if<CopiedRecord>(&record)) {
    auto mail = std::make_shared<const Mail>(std::move(copied->mail));
    if (recent_ != nullptr) recent_->Add(*mail);
    waiting_.Add(copied->origin, sequence, std::move(mail), std::move(copied->states), now);
  } else if (auto* outcome = std::get_if<OutcomeRecord>(&record)) {
    if (outcome->states.empty()) {
      waiting_.Erase(outcome->origin);
    } else {
      waiting_.Update(outcome->origin, std::move(outcome->states), now);
    }
  }
}

std::vector<RecipientState> DeliverySpool::FirstStates(const Mail& mail) const {
  std::vector<RecipientState> states(mail.recipients.size());
  for (std::size_t i = 0; i < states.size(); ++i) states[i].due = carrier_.FirstDue(mail, i);
  return states;
}

void DeliverySpool::Start() {
  for (int i = 0; i < options_.workers; ++i) workers_.emplace_back([this] { RunWorker(); });
  feeder_ = std::jthread([this](std::stop_token stop) { RunFeed(stop); });
}

void DeliverySpool::Stop() {
  stopped_ = true;
  waiting_.Stop();
  for (std::thread& worker : workers_) worker.join();
  workers_.clear();
  // Carriers and the journal answer from their own threads; afterwards nobody calls us.
  waiting_.WaitIdle();
  if (feeder_.joinable()) {
    feeder_.request_stop();
    feeder_.join();
  }
}

Status DeliverySpool::Accept(Mail mail) {
  Awaited<Status> accepted;
  AcceptAsync(std::move(mail), [&accepted](Status status) { accepted.Set(std::move(status)); });
  return accepted.Get();
}

void DeliverySpool::AcceptAsync(Mail mail, std::function<void(Status)> done) {
  if (stopped_) return done(Fail(ErrorCode::kUnavailable, "the mail service is stopping"));
  if (waiting_.size() >= options_.waiting_max) {
    return done(Fail(ErrorCode::kUnavailable,
                     fmt::format("{} mails wait for delivery already", options_.waiting_max)));
  }
  std::vector<std::string> payloads;
  payloads.push_back(SealSpoolRecord(box_, EncodeAccepted(mail)));
  auto hold = std::make_shared<WaitingMails::Hold>(waiting_, journal_->durable_sequence() + 1);
  auto kept = std::make_shared<const Mail>(std::move(mail));
  journal_->AppendAsync(
      std::move(payloads),
      [this, hold = std::move(hold), kept = std::move(kept), done = std::move(done)](
          Result<journal::Sequence> sequence) mutable {
        if (sequence) Accepted(*sequence, std::move(kept));
        // The mail itself holds its record now; the journal may keep this call for a while.
        hold.reset();
        done(sequence ? Status() : Status(Fail(std::move(sequence.error()))));
      });
}

void DeliverySpool::Accepted(journal::Sequence sequence, std::shared_ptr<const Mail> mail) {
  if (recent_ != nullptr) recent_->Add(*mail);
  std::vector<RecipientState> states = FirstStates(*mail);
  waiting_.Add(sequence, sequence, std::move(mail), std::move(states), clock_.Now());
}

Status DeliverySpool::Record(MailEvent event) {
  if (stopped_) return Fail(ErrorCode::kUnavailable, "the mail service is stopping");
  RETURN_IF_ERROR(journal_->Append(SealSpoolRecord(box_, EncodeEvent(event))));
  return {};
}

Result<std::shared_ptr<const Mail>> DeliverySpool::Load(journal::Sequence location) const {
  ASSIGN_OR_RETURN(const std::unique_ptr<journal::Journal::Reader> reader,
                   journal_->Read(location - 1));
  ASSIGN_OR_RETURN(const std::optional<journal::Record> record, reader->Next());
  if (!record || record->sequence != location) {
    return Fail(ErrorCode::kCorruption, fmt::format("spool record {} is damaged", location));
  }
  ASSIGN_OR_RETURN(SpoolRecord decoded, OpenSpoolRecord(box_, record->payload));
  if (auto* accepted = std::get_if<AcceptedRecord>(&decoded)) {
    return std::make_shared<const Mail>(std::move(accepted->mail));
  }
  if (auto* copied = std::get_if<CopiedRecord>(&decoded)) {
    return std::make_shared<const Mail>(std::move(copied->mail));
  }
  return Fail(ErrorCode::kCorruption, fmt::format("spool record {} is no mail", location));
}

void DeliverySpool::Carry(WaitingMails::Taken taken) {
  if (!taken.unsaved.empty()) {
    return Save(taken.origin, std::move(taken.states), std::move(taken.unsaved));
  }
  std::shared_ptr<const Mail> mail = taken.mail;
  if (!mail) {
    Result<std::shared_ptr<const Mail>> loaded = Load(taken.location);
    if (!loaded && loaded.error().code != ErrorCode::kCorruption) {
      return waiting_.Postpone(taken.origin, clock_.Now() + SaveBackoff());
    }
    if (!loaded) {
      // Its bytes are gone: nothing can be delivered. Its Send event has been or will be published.
      unreadable_.Add();
      log::Error("mail", "a mail is lost: {}", loaded.error().message);
      return Save(
          taken.origin, {}, SealSpoolRecord(box_, EncodeOutcome({taken.origin, {}, {}, {}})));
    }
    mail = std::move(*loaded);
  }
  CarryJob job{mail, {}, clock_.Now()};
  for (std::size_t i = 0; i < taken.states.size(); ++i) {
    const RecipientState& state = taken.states[i];
    if (!state.done && state.due <= job.now) job.due.push_back({i, state});
  }
  if (job.due.empty()) return waiting_.Postpone(taken.origin, job.now + kAnswerWait);
  carrier_.Carry(std::move(job), [this, taken, mail](Progress progress) {
    Carried(taken, *mail, std::move(progress));
  });
}

void DeliverySpool::Carried(const WaitingMails::Taken& taken, const Mail& mail, Progress progress) {
  if (progress.try_again_at) {
    steps_postponed_.Add();
    return waiting_.Postpone(taken.origin, *progress.try_again_at);
  }
  steps_done_.Add();
  std::vector<RecipientState> states = taken.states;
  for (const Progress::Change& change : progress.changes) states[change.recipient] = change.state;
  if (std::all_of(states.begin(), states.end(), [](const RecipientState& s) { return s.done; })) {
    states.clear();
  }
  OutcomeRecord record{taken.origin, {}, std::move(progress.events), states};
  if (!record.events.empty()) {
    record.subject = {mail.message_id, mail.configuration_set, mail.mail_object};
  }
  Save(taken.origin, std::move(states), SealSpoolRecord(box_, EncodeOutcome(record)));
}

void DeliverySpool::Save(MailSequence origin,
                         std::vector<RecipientState> states,
                         std::string record) {
  // The record is kept until it is durable: the step must not be taken again in this process.
  auto kept = std::make_shared<std::string>(record);
  std::vector<std::string> payloads;
  payloads.push_back(std::move(record));
  journal_->AppendAsync(
      std::move(payloads),
      [this, origin, states = std::move(states), kept](Result<journal::Sequence> sequence) mutable {
        if (sequence) {
          saves_failing_ = 0;
          return waiting_.Finish(origin, std::move(states), clock_.Now());
        }
        saves_failed_.Add();
        if (saves_failing_++ == 0) {
          log::Error("mail", "cannot write to the spool: {}", sequence.error().message);
        }
        waiting_.KeepUnsaved(
            origin, std::move(states), std::move(*kept), clock_.Now() + SaveBackoff());
      });
}

std::chrono::nanoseconds DeliverySpool::SaveBackoff() {
  constexpr int kDoublingsMax = 16;
  const int doublings = std::min(saves_failing_.load(), kDoublingsMax);
  return std::min(options_.save_backoff_first * (1 << doublings), options_.save_backoff_max);
}

std::size_t DeliverySpool::CarryNow() {
  std::size_t steps = 0;
  while (std::optional<WaitingMails::Taken> taken = waiting_.TakeDue(clock_.Now())) {
    Carry(std::move(*taken));
    waiting_.WaitIdle();
    ++steps;
  }
  return steps;
}

bool DeliverySpool::PublishNow() {
  while (feed_->Step() || !(feed_->idle() || feed_->retrying())) {
    feed_->WaitAnswer(kAnswerWait);
    MaintainWhenDue();
    if (feed_->published() >= journal_->durable_sequence()) break;
  }
  return !feed_->retrying();
}

void DeliverySpool::MaintainWhenDue() {
  if (clock_.Monotonic() - maintained_at_ >= kMaintainEvery ||
      feed_->published() - maintained_to_ >= kMaintainRecords) {
    MaintainNow();
  }
}

void DeliverySpool::MaintainNow() {
  const journal::Sequence published = feed_->published();
  maintained_at_ = clock_.Monotonic();
  maintained_to_ = published;
  if (published != saved_cursor_) {
    if (const Status saved = journal_->SaveCursor(kCursor, published); !saved) {
      log::Warn("mail", "cannot save the publisher's place: {}", saved.error().message);
      return;
    }
    saved_cursor_ = published;
  }
  Compact();
  const journal::Sequence keep =
      std::min(published + 1, waiting_.OldestLocation().value_or(journal_->durable_sequence() + 1));
  if (keep <= journal_->first_sequence()) return;
  if (const Status trimmed = journal_->TrimBefore(keep); !trimmed) {
    log::Warn("mail", "cannot remove finished mails: {}", trimmed.error().message);
  }
}

void DeliverySpool::Compact() {
  if (journal_->size_bytes() < options_.compact_bytes) return;
  const journal::Sequence first = journal_->first_sequence();
  const journal::Sequence middle = first + (journal_->durable_sequence() - first) / 2;
  // Nothing is won while the publisher needs the files, or when most of them is alive.
  if (saved_cursor_ < middle || waiting_.CountBefore(middle) > (middle - first) / 4) return;
  for (const WaitingMails::Taken& taken : waiting_.TakeBefore(middle, options_.compact_mails_max)) {
    Result<std::shared_ptr<const Mail>> mail =
        taken.mail ? Result<std::shared_ptr<const Mail>>(taken.mail) : Load(taken.location);
    Result<journal::Sequence> place = taken.location;
    if (mail) {
      place =
          journal_->Append(SealSpoolRecord(box_, EncodeCopied(taken.origin, **mail, taken.states)));
      if (!place) log::Warn("mail", "cannot write a mail again: {}", place.error().message);
    }
    waiting_.Moved(taken.origin, place ? *place : taken.location);
  }
}

void DeliverySpool::RunWorker() {
  while (std::optional<WaitingMails::Taken> taken = waiting_.WaitDue(clock_)) {
    Carry(std::move(*taken));
  }
}

void DeliverySpool::RunFeed(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const bool worked = feed_->Step();
    MaintainWhenDue();
    if (worked) continue;
    if (feed_->idle()) {
      static_cast<void>(journal_->WaitFor(feed_->read_to(), stop, kMaintainEvery));
    } else {
      feed_->WaitAnswer(kAnswerWait);
    }
  }
  MaintainNow();
}

}  // namespace postglass::mail
