#include "queues/message_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <utility>

#include "base/log.h"

namespace postglass::queues {
namespace {

// Binds a sealed record to this journal: it opens nowhere else.
constexpr std::string_view kSealContext = "queues/messages/1";
// Records that a reader skips rather than be opened anew.
constexpr std::uint64_t kSkipMax = 4'096;
// Changes that wait for a disk with room, some 40 bytes each.
constexpr std::size_t kChangesMax = 200'000;
// The live part of the journal below which the dead part is worth removing: rewriting costs at
// most a third of what was appended.
constexpr std::uint64_t kLiveFraction = 4;

}  // namespace

MessageStore::MessageStore(std::unique_ptr<journal::Journal> journal,
                           const SecretBox& box,
                           const Clock& clock,
                           Metrics& metrics,
                           Options options)
    : journal_(std::move(journal)),
      box_(box),
      clock_(clock),
      options_(options),
      messages_gauge_(
          metrics.GetGauge("postglass_queues_messages", "Messages that all queues hold")) {}

Result<std::unique_ptr<MessageStore>> MessageStore::Open(std::unique_ptr<journal::Journal> journal,
                                                         const SecretBox& box,
                                                         const Clock& clock,
                                                         Metrics& metrics,
                                                         Options options) {
  std::unique_ptr<MessageStore> store(
      new MessageStore(std::move(journal), box, clock, metrics, options));
  RETURN_IF_ERROR(store->Recover());
  return store;
}

MessageStore::~MessageStore() {
  if (const Status flushed = Flush(); !flushed) {
    log::Warn("queues",
              "receives not written, these messages are given out again: {}",
              flushed.error().message);
  }
  // The journal's last callbacks use what is declared behind it.
  reader_.reset();
  journal_.reset();
}

std::string MessageStore::Seal(const StoreRecord& record) const {
  return box_.Seal(kSealContext, EncodeRecord(record));
}

Status MessageStore::Recover() {
  ASSIGN_OR_RETURN(const auto reader, journal_->Read(journal_->first_sequence() - 1));
  std::uint64_t broken = 0;
  while (true) {
    ASSIGN_OR_RETURN(std::optional<journal::Record> record, reader->Next());
    if (!record) break;
    Result<StoreRecord> decoded = [&]() -> Result<StoreRecord> {
      ASSIGN_OR_RETURN(const std::string plain, box_.Unseal(kSealContext, record->payload));
      return DecodeRecord(plain);
    }();
    if (!decoded) {
      if (++broken == 1) {
        log::Error("queues", "record {} left out: {}", record->sequence, decoded.error().message);
      }
      continue;
    }
    MutexLock lock(mutex_);
    if (StoredMessage* stored = std::get_if<StoredMessage>(&*decoded)) {
      Insert(record->sequence, record->payload.size(), std::move(*stored));
    } else if (const auto* purge = std::get_if<queues::Purge>(&*decoded)) {
      ApplyPurge(purge->queue_uid, purge->up_to);
    } else {
      for (const StateChange& change : std::get<StateChanges>(*decoded)) {
        const auto at = entries_.find(change.number);
        if (at == entries_.end()) continue;
        if (change.removed) {
          Forget(change.number);
        } else {
          SetState(change.number, at->second, change.state);
        }
      }
    }
  }
  if (broken > 1) log::Error("queues", "{} records left out in all", broken);
  return {};
}

void MessageStore::Place(MessageNumber number, Entry& entry) {
  Lane& lane = lanes_[entry.queue_uid];
  if (entry.state.visible_at > clock_.Now()) {
    lane.waiting.emplace(entry.state.visible_at, number);
  } else {
    lane.ready.insert(number);
  }
}

void MessageStore::Unplace(MessageNumber number, const Entry& entry) {
  Lane& lane = lanes_[entry.queue_uid];
  lane.ready.erase(number);
  lane.waiting.erase({entry.state.visible_at, number});
}

void MessageStore::SetState(MessageNumber number, Entry& entry, const MessageState& state) {
  Unplace(number, entry);
  entry.state = state;
  Place(number, entry);
}

void MessageStore::Insert(journal::Sequence position, std::size_t bytes, StoredMessage stored) {
  const MessageNumber number = stored.number == 0 ? position : stored.number;
  Forget(number);  // a newer copy replaces all that was known
  Entry entry;
  entry.queue_uid = std::move(stored.queue_uid);
  entry.position = position;
  entry.bytes = bytes;
  entry.sent_at = stored.message.sent_at;
  entry.state = stored.state;
  if (bodies_bytes_ + bytes <= options_.bodies_bytes_max) {
    bodies_bytes_ += bytes;
    entry.message = std::make_shared<const Message>(std::move(stored.message));
  }
  live_bytes_ += bytes;
  by_position_.emplace(position, number);
  lanes_[entry.queue_uid].all.insert(number);
  Place(number, entry);
  entries_.emplace(number, std::move(entry));
  messages_gauge_.Set(static_cast<double>(entries_.size()));
}

void MessageStore::Forget(MessageNumber number) {
  const auto at = entries_.find(number);
  if (at == entries_.end()) return;
  const Entry& entry = at->second;
  if (entry.message) bodies_bytes_ -= entry.bytes;
  live_bytes_ -= entry.bytes;
  by_position_.erase(entry.position);
  Unplace(number, entry);
  const auto lane = lanes_.find(entry.queue_uid);
  lane->second.all.erase(number);
  if (lane->second.all.empty()) lanes_.erase(lane);
  entries_.erase(at);
  messages_gauge_.Set(static_cast<double>(entries_.size()));
}

void MessageStore::ApplyPurge(const std::string& queue_uid, MessageNumber up_to) {
  const auto lane = lanes_.find(queue_uid);
  if (lane == lanes_.end()) return;
  const std::vector<MessageNumber> numbers(lane->second.all.begin(),
                                           lane->second.all.upper_bound(up_to));
  for (const MessageNumber number : numbers) Forget(number);
}

void MessageStore::WakeDue(Lane& lane, Timestamp now) {
  while (!lane.waiting.empty() && lane.waiting.begin()->first <= now) {
    lane.ready.insert(lane.waiting.begin()->second);
    lane.waiting.erase(lane.waiting.begin());
  }
}

void MessageStore::AddAsync(const std::string& queue_uid,
                            std::vector<NewMessage> messages,
                            Added done) {
  if (journal_->size_bytes() > options_.disk_bytes_max) {
    done(Fail(ErrorCode::kUnavailable,
              fmt::format("queues hold {} bytes, {} are the most",
                          journal_->size_bytes(),
                          options_.disk_bytes_max)));
    return;
  }
  auto stored = std::make_shared<std::vector<StoredMessage>>();
  auto sizes = std::make_shared<std::vector<std::size_t>>();
  std::vector<std::string> payloads;
  for (NewMessage& each : messages) {
    stored->push_back({0, queue_uid, std::move(each.message), {each.visible_at, 0, {}}});
    payloads.push_back(Seal(stored->back()));
    sizes->push_back(payloads.back().size());
  }
  journal_->AppendAsync(
      std::move(payloads),
      [this, stored, sizes, done = std::move(done)](Result<journal::Sequence> first) {
        if (!first) {
          done(Fail(first.error()));
          return;
        }
        {
          MutexLock lock(mutex_);
          for (std::size_t i = 0; i < stored->size(); ++i) {
            Insert(*first + i, (*sizes)[i], std::move((*stored)[i]));
          }
        }
        done(*first);
      });
}

std::vector<MessageStore::Taken> MessageStore::Take(const std::string& queue_uid,
                                                    std::size_t count_max,
                                                    Timestamp now,
                                                    Timestamp until) {
  std::vector<Taken> taken;
  MutexLock lock(mutex_);
  const auto at = lanes_.find(queue_uid);
  if (at == lanes_.end()) return taken;
  Lane& lane = at->second;
  WakeDue(lane, now);
  while (!lane.ready.empty() && taken.size() < count_max) {
    const MessageNumber number = *lane.ready.begin();
    lane.ready.erase(lane.ready.begin());
    Entry& entry = entries_.at(number);
    MessageState state = entry.state;
    if (state.receives++ == 0) state.first_received_at = now;
    state.visible_at = until;
    entry.state = state;
    // Placed by the receiver's clock: a visibility of nothing makes it ready again at once, but
    // not within this call.
    lane.waiting.emplace(until, number);
    changes_.push_back({number, false, state});
    taken.push_back({number, state});
  }
  return taken;
}

Result<StoredMessage> MessageStore::ReadAt(journal::Sequence position) {
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
      return Fail(ErrorCode::kCorruption, fmt::format("queue record {} is not there", position));
    }
    reader_at_ = (*record)->sequence;
    if (reader_at_ < position) continue;
    ASSIGN_OR_RETURN(const std::string plain, box_.Unseal(kSealContext, (*record)->payload));
    ASSIGN_OR_RETURN(StoreRecord decoded, DecodeRecord(plain));
    if (StoredMessage* stored = std::get_if<StoredMessage>(&decoded)) return std::move(*stored);
    return Fail(ErrorCode::kCorruption, fmt::format("queue record {} is no message", position));
  }
}

Result<std::shared_ptr<const Message>> MessageStore::Read(MessageNumber number) {
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

std::optional<MessageState> MessageStore::StateOf(const std::string& queue_uid,
                                                  MessageNumber number) const {
  MutexLock lock(mutex_);
  const auto at = entries_.find(number);
  if (at == entries_.end() || at->second.queue_uid != queue_uid || at->second.moving) {
    return std::nullopt;
  }
  return at->second.state;
}

bool MessageStore::SetVisibleAt(const std::string& queue_uid,
                                MessageNumber number,
                                Timestamp now,
                                Timestamp visible_at) {
  MutexLock lock(mutex_);
  const auto at = entries_.find(number);
  if (at == entries_.end() || at->second.queue_uid != queue_uid || at->second.moving ||
      at->second.state.visible_at <= now) {
    return false;
  }
  MessageState state = at->second.state;
  state.visible_at = visible_at;
  SetState(number, at->second, state);
  changes_.push_back({number, false, state});
  return true;
}

// Waits for the disk. `apply` runs in the commit thread, in the order of the records: what a
// compaction copies is compared with the entries as of its own place in the journal.
Status MessageStore::Commit(std::vector<std::string> payloads, Added apply) {
  std::promise<Status> durable;
  journal_->AppendAsync(std::move(payloads), [&](Result<journal::Sequence> first) {
    Status outcome = first ? Status() : Status(Fail(first.error()));
    apply(std::move(first));
    durable.set_value(std::move(outcome));
  });
  return durable.get_future().get();
}

Status MessageStore::Remove(const std::string& queue_uid,
                            const std::vector<MessageNumber>& numbers) {
  StateChanges changes;
  {
    MutexLock lock(mutex_);
    for (const MessageNumber number : numbers) {
      const auto at = entries_.find(number);
      if (at == entries_.end() || at->second.queue_uid != queue_uid || at->second.moving) continue;
      changes.push_back({number, true, {}});
    }
  }
  if (changes.empty()) return {};
  std::vector<std::string> payloads;
  payloads.push_back(Seal(changes));
  return Commit(std::move(payloads), [&](const Result<journal::Sequence>& first) {
    if (!first) return;
    MutexLock lock(mutex_);
    for (const StateChange& change : changes) Forget(change.number);
  });
}

Status MessageStore::Move(const std::string& from_uid,
                          const std::vector<MessageNumber>& numbers,
                          const std::string& to_uid,
                          const std::string& source_queue_arn,
                          Timestamp now) {
  std::vector<std::shared_ptr<const Message>> messages;
  StateChanges changes;
  for (const MessageNumber number : numbers) {
    Result<std::shared_ptr<const Message>> message = Read(number);
    if (!message) continue;
    MutexLock lock(mutex_);
    const auto at = entries_.find(number);
    if (at == entries_.end() || at->second.queue_uid != from_uid || at->second.moving) continue;
    at->second.moving = true;
    Unplace(number, at->second);
    changes.push_back({number, true, {}});
    messages.push_back(std::move(*message));
  }
  if (changes.empty()) return {};
  std::vector<StoredMessage> copies;
  std::vector<std::string> payloads;
  std::vector<std::size_t> sizes;
  for (const auto& message : messages) {
    StoredMessage copy{0, to_uid, *message, {now, 0, {}}};
    copy.message.source_queue_arn = source_queue_arn;
    payloads.push_back(Seal(copy));
    sizes.push_back(payloads.back().size());
    copies.push_back(std::move(copy));
  }
  payloads.push_back(Seal(changes));
  return Commit(std::move(payloads), [&](const Result<journal::Sequence>& first) {
    MutexLock lock(mutex_);
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (first) {
        Forget(changes[i].number);
        Insert(*first + i, sizes[i], std::move(copies[i]));
        continue;
      }
      const auto at = entries_.find(changes[i].number);
      if (at == entries_.end()) continue;
      at->second.moving = false;
      Place(changes[i].number, at->second);
    }
  });
}

Status MessageStore::Purge(const std::string& queue_uid) {
  queues::Purge purge{queue_uid, 0};
  {
    MutexLock lock(mutex_);
    const auto lane = lanes_.find(queue_uid);
    if (lane == lanes_.end()) return {};
    purge.up_to = *lane->second.all.rbegin();
  }
  std::vector<std::string> payloads;
  payloads.push_back(Seal(purge));
  return Commit(std::move(payloads), [&](const Result<journal::Sequence>& first) {
    if (!first) return;
    MutexLock lock(mutex_);
    ApplyPurge(queue_uid, purge.up_to);
  });
}

Status MessageStore::KeepOnly(const std::set<std::string>& queue_uids) {
  std::vector<std::string> gone;
  {
    MutexLock lock(mutex_);
    for (const auto& [uid, lane] : lanes_) {
      if (!queue_uids.contains(uid)) gone.push_back(uid);
    }
  }
  for (const std::string& uid : gone) RETURN_IF_ERROR(Purge(uid));
  return {};
}

std::size_t MessageStore::SizeOf(const std::string& queue_uid) const {
  MutexLock lock(mutex_);
  const auto at = lanes_.find(queue_uid);
  return at == lanes_.end() ? 0 : at->second.all.size();
}

std::size_t MessageStore::WaitingOf(const std::string& queue_uid) const {
  MutexLock lock(mutex_);
  const auto at = lanes_.find(queue_uid);
  return at == lanes_.end() ? 0 : at->second.waiting.size();
}

MessageStore::Counts MessageStore::CountsOf(const std::string& queue_uid, Timestamp now) const {
  Counts counts;
  MutexLock lock(mutex_);
  const auto at = lanes_.find(queue_uid);
  if (at == lanes_.end()) return counts;
  counts.visible = at->second.ready.size();
  for (const auto& [visible_at, number] : at->second.waiting) {
    if (visible_at <= now) {
      ++counts.visible;
    } else if (entries_.at(number).state.receives > 0) {
      ++counts.in_flight;
    } else {
      ++counts.delayed;
    }
  }
  return counts;
}

std::vector<MessageStore::Taken> MessageStore::Peek(const std::string& queue_uid,
                                                    MessageNumber after,
                                                    std::size_t count_max) const {
  std::vector<Taken> seen;
  MutexLock lock(mutex_);
  const auto lane = lanes_.find(queue_uid);
  if (lane == lanes_.end()) return seen;
  const std::set<MessageNumber>& all = lane->second.all;
  for (auto at = all.upper_bound(after); at != all.end() && seen.size() < count_max; ++at) {
    seen.push_back({*at, entries_.at(*at).state});
  }
  return seen;
}

std::vector<MessageNumber> MessageStore::OlderThan(const std::string& queue_uid,
                                                   Timestamp sent_before) const {
  std::vector<MessageNumber> old;
  MutexLock lock(mutex_);
  const auto lane = lanes_.find(queue_uid);
  if (lane == lanes_.end()) return old;
  for (const MessageNumber number : lane->second.all) {
    if (entries_.at(number).sent_at < sent_before) old.push_back(number);
  }
  return old;
}

std::optional<Timestamp> MessageStore::NextVisibleAt(const std::string& queue_uid) const {
  MutexLock lock(mutex_);
  const auto lane = lanes_.find(queue_uid);
  if (lane == lanes_.end() || lane->second.waiting.empty()) return std::nullopt;
  return lane->second.waiting.begin()->first;
}

StateChanges MessageStore::TakeChanges() {
  MutexLock lock(mutex_);
  return std::exchange(changes_, {});
}

void MessageStore::PutBack(StateChanges changes, const Error& error) {
  // A full disk may have room again at the next round; after a failed write only a restart helps.
  const bool may_work = error.code == ErrorCode::kDiskFull || error.code == ErrorCode::kUnavailable;
  {
    MutexLock lock(mutex_);
    if (may_work && changes_.size() + changes.size() <= kChangesMax) {
      changes_.insert(changes_.begin(), changes.begin(), changes.end());
      return;
    }
  }
  log::Warn("queues",
            "{} receives not written, a restart gives these messages out again: {}",
            changes.size(),
            error.message);
}

void MessageStore::Tidy() {
  StateChanges changes = TakeChanges();
  if (!changes.empty()) {
    std::vector<std::string> payloads;
    payloads.push_back(Seal(changes));
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
    log::Warn("queues", "journal not trimmed: {}", trimmed.error().message);
    return;
  }
  trimmed_before_ = keep_from;
}

void MessageStore::Compact() {
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
  auto sizes = std::make_shared<std::vector<std::size_t>>();
  std::vector<std::string> payloads;
  for (const MessageNumber number : numbers) {
    const Result<std::shared_ptr<const Message>> message = Read(number);
    if (!message) continue;  // removed meanwhile, or unreadable and then kept where it is
    StoredMessage copy;
    copy.number = number;
    copy.message = **message;
    {
      MutexLock lock(mutex_);
      const auto at = entries_.find(number);
      if (at == entries_.end() || at->second.moving) continue;
      copy.queue_uid = at->second.queue_uid;
      copy.state = at->second.state;
    }
    payloads.push_back(Seal(copy));
    sizes->push_back(payloads.back().size());
    copies->push_back(std::move(copy));
  }
  if (payloads.empty()) {
    MutexLock lock(mutex_);
    compacting_ = false;
    return;
  }
  journal_->AppendAsync(std::move(payloads),
                        [this, copies, sizes](Result<journal::Sequence> first) {
                          MutexLock lock(mutex_);
                          compacting_ = false;
                          if (!first) return;  // the old copies stay
                          for (std::size_t i = 0; i < copies->size(); ++i) {
                            const StoredMessage& copy = (*copies)[i];
                            const auto at = entries_.find(copy.number);
                            // Removed or received after the copy was made; without this the next
                            // start would believe the copy.
                            if (at == entries_.end()) {
                              changes_.push_back({copy.number, true, {}});
                              continue;
                            }
                            if (at->second.state != copy.state) {
                              changes_.push_back({copy.number, false, at->second.state});
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
                            entry.bytes = (*sizes)[i];
                          }
                        });
}

Status MessageStore::Flush() {
  StateChanges changes = TakeChanges();
  if (changes.empty()) return {};
  ASSIGN_OR_RETURN(const journal::Sequence sequence, journal_->Append(Seal(changes)));
  static_cast<void>(sequence);
  return {};
}

}  // namespace postglass::queues
