#include "topics/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace postglass::topics {
namespace {

// Binds a sealed record to this journal: it opens nowhere else.
constexpr std::string_view kSealContext = "topics/outbox/1";
// Records that a reader skips rather than be opened anew.
constexpr std::uint64_t kSkipMax = 4'096;
// Outcomes that wait for a disk with room, some 60 bytes each.
constexpr std::size_t kChangesMax = 200'000;
// The live part of the journal below which the dead part is worth removing: rewriting costs at
// most a third of what was appended.
constexpr std::uint64_t kLiveFraction = 4;

}  // namespace

Outbox::Outbox(std::unique_ptr<journal::Journal> journal,
               const SecretBox& box,
               Metrics& metrics,
               Options options)
    : journal_(std::move(journal)),
      box_(box),
      options_(options),
      dead_letters_gauge_(metrics.GetGauge("postglass_topics_dead_letters",
                                           "Deliveries that were given up and are kept")),
      dead_letters_dropped_(metrics.GetCounter("postglass_topics_dead_letters_dropped_total",
                                               "Dead letters dropped because too many were kept")) {
}

Result<std::unique_ptr<Outbox>> Outbox::Open(std::unique_ptr<journal::Journal> journal,
                                             const SecretBox& box,
                                             Metrics& metrics,
                                             Options options) {
  std::unique_ptr<Outbox> outbox(new Outbox(std::move(journal), box, metrics, options));
  RETURN_IF_ERROR(outbox->Recover());
  return outbox;
}

Outbox::~Outbox() {
  if (const Status flushed = Flush(); !flushed) {
    log::Warn("topics",
              "outcomes of deliveries not written, they will be made again: {}",
              flushed.error().message);
  }
  // The journal's last callbacks use what is declared behind it.
  reader_.reset();
  journal_.reset();
}

std::string Outbox::Seal(std::string_view record) const { return box_.Seal(kSealContext, record); }

Status Outbox::Recover() {
  ASSIGN_OR_RETURN(const auto reader, journal_->Read(journal_->first_sequence() - 1));
  std::uint64_t broken = 0;
  while (true) {
    ASSIGN_OR_RETURN(std::optional<journal::Record> record, reader->Next());
    if (!record) break;
    const std::size_t bytes = record->payload.size();
    Result<OutboxRecord> decoded = [&]() -> Result<OutboxRecord> {
      ASSIGN_OR_RETURN(const std::string plain, box_.Unseal(kSealContext, record->payload));
      return DecodeRecord(plain);
    }();
    if (!decoded) {
      if (++broken == 1) {
        log::Error(
            "topics", "outbox record {} left out: {}", record->sequence, decoded.error().message);
      }
      continue;
    }
    MutexLock lock(mutex_);
    if (StoredMessage* stored = std::get_if<StoredMessage>(&*decoded)) {
      Insert(record->sequence, bytes, std::move(*stored));
    } else {
      for (const StateChange& change : std::get<StateChanges>(*decoded)) Apply(change);
    }
  }
  if (broken > 1) log::Error("topics", "{} outbox records left out in all", broken);
  return {};
}

void Outbox::Insert(journal::Sequence position, std::size_t bytes, StoredMessage stored) {
  const MessageNumber number = stored.number == 0 ? position : stored.number;
  Forget(number);  // a newer copy replaces all that was known
  Entry entry;
  entry.position = position;
  entry.bytes = bytes;
  entry.message_id = stored.message.message_id;
  entry.topic_arn = stored.message.topic_arn;
  entry.published_at = stored.message.published_at;
  entry.targets = std::move(stored.targets);
  entry.states = std::move(stored.states);
  if (bodies_bytes_ + bytes <= options_.bodies_bytes_max) {
    bodies_bytes_ += bytes;
    entry.message = std::make_shared<const Message>(std::move(stored.message));
  }
  for (std::uint32_t i = 0; i < entry.states.size(); ++i) {
    if (entry.states[i].phase == TargetState::Phase::kDone) continue;
    ++entry.open_targets;
    if (entry.states[i].phase == TargetState::Phase::kDead) {
      dead_.emplace_back(number, i);
      dead_bytes_ += bytes;
    }
  }
  live_bytes_ += bytes;
  by_position_.emplace(position, number);
  const bool open = entry.open_targets > 0;
  entries_.emplace(number, std::move(entry));
  if (!open) Forget(number);
  dead_letters_gauge_.Set(static_cast<double>(dead_.size()));
}

void Outbox::DropBody(Entry& entry) {
  if (!entry.message) return;
  bodies_bytes_ -= entry.bytes;
  entry.message.reset();
}

void Outbox::Forget(MessageNumber number) {
  const auto at = entries_.find(number);
  if (at == entries_.end()) return;
  DropBody(at->second);
  live_bytes_ -= at->second.bytes;
  by_position_.erase(at->second.position);
  const bool had_dead =
      std::any_of(at->second.states.begin(), at->second.states.end(), [](const TargetState& state) {
        return state.phase == TargetState::Phase::kDead;
      });
  if (had_dead) {
    dead_bytes_ -= at->second.bytes * std::erase_if(dead_, [number](const DeadKey& key) {
                     return key.first == number;
                   });
    dead_letters_gauge_.Set(static_cast<double>(dead_.size()));
  }
  entries_.erase(at);
}

void Outbox::Apply(const StateChange& change) {
  const auto at = entries_.find(change.number);
  if (at == entries_.end() || change.target_index >= at->second.states.size()) return;
  Entry& entry = at->second;
  TargetState& state = entry.states[change.target_index];
  using Phase = TargetState::Phase;
  const DeadKey key(change.number, change.target_index);
  if (state.phase == Phase::kDone) return;
  if (state.phase == Phase::kDead && change.state.phase != Phase::kDead) {
    dead_bytes_ -= entry.bytes * std::erase(dead_, key);
  }
  if (state.phase != Phase::kDead && change.state.phase == Phase::kDead) {
    dead_.push_back(key);
    dead_bytes_ += entry.bytes;
    DropBody(entry);  // nobody reads it until somebody looks
  }
  state = change.state;
  dead_letters_gauge_.Set(static_cast<double>(dead_.size()));
  if (state.phase == Phase::kDone && --entry.open_targets == 0) Forget(change.number);
}

std::vector<PendingDelivery> Outbox::Pending() const {
  std::vector<PendingDelivery> pending;
  MutexLock lock(mutex_);
  for (const auto& [number, entry] : entries_) {
    for (std::uint32_t i = 0; i < entry.states.size(); ++i) {
      if (entry.states[i].phase != TargetState::Phase::kPending) continue;
      pending.push_back(
          {number, i, entry.targets[i], entry.states[i].attempts, entry.published_at});
    }
  }
  return pending;
}

void Outbox::Add(Message message, std::vector<Target> targets, Added done) {
  if (journal_->size_bytes() > options_.disk_bytes_max) {
    done(Fail(ErrorCode::kUnavailable,
              fmt::format("outbox holds {} bytes, {} are the most",
                          journal_->size_bytes(),
                          options_.disk_bytes_max)));
    return;
  }
  auto stored = std::make_shared<StoredMessage>();
  stored->message = std::move(message);
  stored->states.resize(targets.size());
  stored->targets = std::move(targets);
  std::vector<std::string> payloads;
  payloads.push_back(Seal(EncodeRecord(*stored)));
  const std::size_t bytes = payloads[0].size();
  journal_->AppendAsync(
      std::move(payloads),
      [this, stored, bytes, done = std::move(done)](Result<journal::Sequence> sequence) {
        if (!sequence) {
          done(Fail(sequence.error()));
          return;
        }
        {
          MutexLock lock(mutex_);
          Insert(*sequence, bytes, std::move(*stored));
        }
        done(*sequence);
      });
}

Result<StoredMessage> Outbox::ReadAt(journal::Sequence position) {
  // This lock is held while reading: it guards nothing but the reader.
  MutexLock lock(reader_mutex_);
  if (!reader_ || position <= reader_at_ || position > reader_at_ + kSkipMax) {
    ASSIGN_OR_RETURN(reader_, journal_->Read(position - 1));
    reader_at_ = position - 1;
  }
  while (true) {
    Result<std::optional<journal::Record>> record = reader_->Next();
    if (!record || !*record || (*record)->sequence > position) {
      reader_.reset();
      if (!record) return Fail(std::move(record.error()));
      return Fail(ErrorCode::kCorruption, fmt::format("outbox record {} is not there", position));
    }
    reader_at_ = (*record)->sequence;
    if (reader_at_ < position) continue;
    ASSIGN_OR_RETURN(const std::string plain, box_.Unseal(kSealContext, (*record)->payload));
    ASSIGN_OR_RETURN(OutboxRecord decoded, DecodeRecord(plain));
    if (StoredMessage* stored = std::get_if<StoredMessage>(&decoded)) return std::move(*stored);
    return Fail(ErrorCode::kCorruption, fmt::format("outbox record {} is no message", position));
  }
}

Result<std::shared_ptr<const Message>> Outbox::Read(MessageNumber number) {
  // A compaction may move the message and trim its old place while this reads; the second look
  // finds the new one.
  for (int attempt = 0;; ++attempt) {
    journal::Sequence position = 0;
    {
      MutexLock lock(mutex_);
      const auto at = entries_.find(number);
      if (at == entries_.end()) {
        return Fail(ErrorCode::kNotFound, fmt::format("message {} is not kept any more", number));
      }
      if (at->second.message) return at->second.message;
      position = at->second.position;
    }
    Result<StoredMessage> stored = ReadAt(position);
    if (stored) return std::make_shared<const Message>(std::move(stored->message));
    if (attempt > 0) return Fail(std::move(stored.error()));
  }
}

void Outbox::Settle(MessageNumber number, std::uint32_t target_index, TargetState state) {
  MutexLock lock(mutex_);
  StateChange change{number, target_index, std::move(state)};
  Apply(change);
  changes_.push_back(std::move(change));
  BoundDeadLetters();
}

void Outbox::BoundDeadLetters() {
  while (!dead_.empty() && (dead_.size() > options_.dead_letters_max ||
                            dead_bytes_ > options_.dead_letter_bytes_max)) {
    const DeadKey oldest = dead_.front();
    StateChange change{oldest.first, oldest.second, {TargetState::Phase::kDone, 0, {}, {}}};
    Apply(change);
    changes_.push_back(std::move(change));
    dead_letters_dropped_.Add();
  }
}

DeadLetter Outbox::DeadLetterOf(const DeadKey& key) const {
  const Entry& entry = entries_.at(key.first);
  const TargetState& state = entry.states[key.second];
  return {key.first,
          key.second,
          entry.message_id,
          entry.topic_arn,
          entry.targets[key.second],
          state.attempts,
          state.reason,
          state.since};
}

std::vector<DeadLetter> Outbox::DeadLetters(std::size_t count_max) const {
  std::vector<DeadLetter> letters;
  MutexLock lock(mutex_);
  for (auto at = dead_.rbegin(); at != dead_.rend() && letters.size() < count_max; ++at) {
    letters.push_back(DeadLetterOf(*at));
  }
  return letters;
}

std::size_t Outbox::dead_letters() const {
  MutexLock lock(mutex_);
  return dead_.size();
}

std::vector<PendingDelivery> Outbox::Redrive(
    std::optional<std::pair<MessageNumber, std::uint32_t>> one) {
  std::vector<PendingDelivery> pending;
  MutexLock lock(mutex_);
  std::vector<DeadKey> keys(dead_.begin(), dead_.end());
  if (one) std::erase_if(keys, [&one](const DeadKey& key) { return key != *one; });
  for (const DeadKey& key : keys) {
    const Entry& entry = entries_.at(key.first);
    pending.push_back({key.first, key.second, entry.targets[key.second], 0, entry.published_at});
    StateChange change{key.first, key.second, {}};
    Apply(change);
    changes_.push_back(std::move(change));
  }
  return pending;
}

StateChanges Outbox::TakeChanges() {
  MutexLock lock(mutex_);
  return std::exchange(changes_, {});
}

void Outbox::Tidy() {
  StateChanges changes = TakeChanges();
  if (!changes.empty()) {
    std::vector<std::string> payloads;
    payloads.push_back(Seal(EncodeRecord(changes)));
    auto kept = std::make_shared<StateChanges>(std::move(changes));
    journal_->AppendAsync(std::move(payloads), [this, kept](Result<journal::Sequence> sequence) {
      if (!sequence) PutBack(std::move(*kept), sequence.error());
    });
  }
  Compact();
  journal::Sequence keep_from = 0;
  {
    MutexLock lock(mutex_);
    keep_from =
        by_position_.empty() ? journal_->durable_sequence() + 1 : by_position_.begin()->first;
  }
  if (keep_from <= trimmed_before_) return;
  if (const Status trimmed = journal_->TrimBefore(keep_from); !trimmed) {
    log::Warn("topics", "outbox not trimmed: {}", trimmed.error().message);
    return;
  }
  trimmed_before_ = keep_from;
}

void Outbox::PutBack(StateChanges changes, const Error& error) {
  // A full disk may have room again at the next round; after a failed write only a restart helps.
  const bool may_work = error.code == ErrorCode::kDiskFull || error.code == ErrorCode::kUnavailable;
  {
    MutexLock lock(mutex_);
    if (may_work && changes_.size() + changes.size() <= kChangesMax) {
      changes_.insert(changes_.begin(), changes.begin(), changes.end());
      return;
    }
  }
  log::Warn("topics",
            "outcomes of {} deliveries not written, a restart makes them again: {}",
            changes.size(),
            error.message);
}

void Outbox::Compact() {
  std::vector<MessageNumber> numbers;
  {
    MutexLock lock(mutex_);
    const std::uint64_t size = journal_->size_bytes();
    if (compacting_ || by_position_.empty() || size < options_.compact_bytes_min ||
        live_bytes_ > size / kLiveFraction) {
      return;
    }
    std::size_t bytes = 0;
    for (const auto& [position, number] : by_position_) {
      bytes += entries_.at(number).bytes;
      if (bytes > options_.compact_step_bytes && !numbers.empty()) break;
      numbers.push_back(number);
    }
    compacting_ = true;
  }
  auto copies = std::make_shared<std::vector<StoredMessage>>();
  std::vector<std::string> payloads;
  auto sizes = std::make_shared<std::vector<std::size_t>>();
  for (const MessageNumber number : numbers) {
    const Result<std::shared_ptr<const Message>> message = Read(number);
    if (!message) continue;  // settled meanwhile, or unreadable and then kept where it is
    StoredMessage copy;
    copy.number = number;
    copy.message = **message;
    {
      MutexLock lock(mutex_);
      const auto at = entries_.find(number);
      if (at == entries_.end()) continue;
      copy.targets = at->second.targets;
      copy.states = at->second.states;
    }
    payloads.push_back(Seal(EncodeRecord(copy)));
    sizes->push_back(payloads.back().size());
    copies->push_back(std::move(copy));
  }
  if (payloads.empty()) {
    MutexLock lock(mutex_);
    compacting_ = false;
    return;
  }
  journal_->AppendAsync(
      std::move(payloads), [this, copies, sizes](Result<journal::Sequence> first) {
        MutexLock lock(mutex_);
        compacting_ = false;
        if (!first) return;  // the old copies stay
        for (std::size_t i = 0; i < copies->size(); ++i) {
          const StoredMessage& copy = (*copies)[i];
          const auto at = entries_.find(copy.number);
          if (at == entries_.end()) {
            // All targets were settled after the copy was made; without this the next start
            // would take the copy for an open message.
            for (std::uint32_t t = 0; t < copy.targets.size(); ++t) {
              changes_.push_back({copy.number, t, {TargetState::Phase::kDone, 0, {}, {}}});
            }
            continue;
          }
          Entry& entry = at->second;
          by_position_.erase(entry.position);
          entry.position = *first + i;
          by_position_.emplace(entry.position, copy.number);
          live_bytes_ += (*sizes)[i];
          live_bytes_ -= entry.bytes;
          if (entry.message) {
            bodies_bytes_ += (*sizes)[i];
            bodies_bytes_ -= entry.bytes;
          }
          for (std::uint32_t t = 0; t < entry.states.size(); ++t) {
            if (entry.states[t].phase == TargetState::Phase::kDead) {
              dead_bytes_ += (*sizes)[i];
              dead_bytes_ -= entry.bytes;
            }
            if (entry.states[t] != copy.states[t]) {
              changes_.push_back({copy.number, t, entry.states[t]});
            }
          }
          entry.bytes = (*sizes)[i];
        }
      });
}

Status Outbox::Flush() {
  StateChanges changes = TakeChanges();
  if (changes.empty()) return {};
  ASSIGN_OR_RETURN(const journal::Sequence sequence, journal_->Append(Seal(EncodeRecord(changes))));
  static_cast<void>(sequence);
  return {};
}

std::size_t Outbox::open_messages() const {
  MutexLock lock(mutex_);
  return entries_.size();
}

std::optional<Timestamp> Outbox::oldest() const {
  MutexLock lock(mutex_);
  for (const auto& [number, entry] : entries_) {
    for (const TargetState& state : entry.states) {
      if (state.phase == TargetState::Phase::kPending) return entry.published_at;
    }
  }
  return std::nullopt;
}

}  // namespace postglass::topics
