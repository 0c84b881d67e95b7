#include "queues/message_record.h"

#include <fmt/format.h>

#include "base/record_coding.h"

namespace postglass::queues {
namespace {

constexpr std::uint8_t kMessageKind = 1;
constexpr std::uint8_t kChangesKind = 2;
constexpr std::uint8_t kPurgeKind = 3;

void Append(RecordWriter& out, const MessageState& state) {
  out.Time(state.visible_at);
  out.Number(state.receives);
  out.Time(state.first_received_at);
}

MessageState ReadState(RecordReader& in) {
  MessageState state;
  state.visible_at = in.Time();
  state.receives = static_cast<std::uint32_t>(in.Number());
  state.first_received_at = in.Time();
  return state;
}

std::string Encode(const StoredMessage& stored) {
  RecordWriter out(kMessageKind);
  out.Number(stored.number);
  out.Text(stored.queue_uid);
  const Message& m = stored.message;
  out.Text(m.message_id);
  out.Text(m.body);
  out.Number(m.attributes.size());
  for (const MessageAttribute& attribute : m.attributes) {
    out.Text(attribute.name);
    out.Text(attribute.type);
    out.Text(attribute.value);
  }
  out.Text(m.trace_header);
  out.Text(m.sender_id);
  out.Time(m.sent_at);
  out.Text(m.source_queue_arn);
  out.Text(m.subscription_arn);
  Append(out, stored.state);
  return std::move(out).Finish();
}

std::string Encode(const StateChanges& changes) {
  RecordWriter out(kChangesKind);
  out.Number(changes.size());
  for (const StateChange& change : changes) {
    out.Number(change.number);
    out.Number(change.removed ? 1 : 0);
    if (!change.removed) Append(out, change.state);
  }
  return std::move(out).Finish();
}

std::string Encode(const Purge& purge) {
  RecordWriter out(kPurgeKind);
  out.Text(purge.queue_uid);
  out.Number(purge.up_to);
  return std::move(out).Finish();
}

StoredMessage ReadMessage(RecordReader& in) {
  StoredMessage stored;
  stored.number = in.Number();
  stored.queue_uid = in.Text();
  Message& m = stored.message;
  m.message_id = in.Text();
  m.body = in.Text();
  for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
    MessageAttribute attribute;
    attribute.name = in.Text();
    attribute.type = in.Text();
    attribute.value = in.Text();
    m.attributes.push_back(std::move(attribute));
  }
  m.trace_header = in.Text();
  m.sender_id = in.Text();
  m.sent_at = in.Time();
  m.source_queue_arn = in.Text();
  m.subscription_arn = in.Text();
  stored.state = ReadState(in);
  return stored;
}

StateChanges ReadChanges(RecordReader& in) {
  StateChanges changes;
  for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
    StateChange change;
    change.number = in.Number();
    change.removed = in.Number() != 0;
    if (!change.removed) change.state = ReadState(in);
    changes.push_back(change);
  }
  return changes;
}

Purge ReadPurge(RecordReader& in) {
  Purge purge;
  purge.queue_uid = in.Text();
  purge.up_to = in.Number();
  return purge;
}

}  // namespace

std::string EncodeRecord(const StoreRecord& record) {
  return std::visit([](const auto& kind) { return Encode(kind); }, record);
}

Result<StoreRecord> DecodeRecord(std::string_view bytes) {
  RecordReader in(bytes);
  StoreRecord record;
  switch (const std::uint8_t kind = in.Byte()) {
    case kMessageKind:
      record = ReadMessage(in);
      break;
    case kChangesKind:
      record = ReadChanges(in);
      break;
    case kPurgeKind:
      record = ReadPurge(in);
      break;
    default:
      return Fail(ErrorCode::kUnsupported, fmt::format("queue record of unknown kind {}", kind));
  }
  if (!in.ok() || !in.at_end()) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("queue record of {} bytes is broken", bytes.size()));
  }
  return record;
}

}  // namespace postglass::queues
