#include "topics/outbox_record.h"

#include <fmt/format.h>

#include "base/record_coding.h"

namespace postglass::topics {
namespace {

constexpr std::uint8_t kMessageKind = 1;
constexpr std::uint8_t kChangesKind = 2;

void AppendState(RecordWriter& out, const TargetState& state) {
  out.Number(static_cast<std::uint64_t>(state.phase));
  out.Number(state.attempts);
  out.Text(state.reason);
  out.Time(state.since);
}

TargetState ReadState(RecordReader& in) {
  TargetState state;
  state.phase = in.Choice(TargetState::Phase::kDead);
  state.attempts = static_cast<std::uint32_t>(in.Number());
  state.reason = in.Text();
  state.since = in.Time();
  return state;
}

StoredMessage ReadMessage(RecordReader& in) {
  StoredMessage stored;
  stored.number = in.Number();
  Message& m = stored.message;
  m.type = in.Choice(Message::Type::kUnsubscribeConfirmation);
  m.message_id = in.Text();
  m.topic_arn = in.Text();
  m.subject = in.Text();
  m.body = in.Text();
  for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
    std::string protocol = in.Text();
    m.body_by_protocol.insert_or_assign(std::move(protocol), in.Text());
  }
  for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
    MessageAttribute attribute;
    attribute.name = in.Text();
    attribute.type = in.Text();
    attribute.value = in.Text();
    m.attributes.push_back(std::move(attribute));
  }
  m.token = in.Text();
  m.published_at = in.Time();
  for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
    Target target;
    target.subscription_arn = in.Text();
    target.protocol = in.Choice(Protocol::kSqs);
    target.endpoint = in.Text();
    stored.targets.push_back(std::move(target));
    stored.states.push_back(ReadState(in));
  }
  return stored;
}

StateChanges ReadChanges(RecordReader& in) {
  StateChanges changes;
  for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
    StateChange change;
    change.number = in.Number();
    change.target_index = static_cast<std::uint32_t>(in.Number());
    change.state = ReadState(in);
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace

std::string EncodeRecord(const StoredMessage& stored) {
  RecordWriter out(kMessageKind);
  out.Number(stored.number);
  const Message& m = stored.message;
  out.Number(static_cast<std::uint64_t>(m.type));
  out.Text(m.message_id);
  out.Text(m.topic_arn);
  out.Text(m.subject);
  out.Text(m.body);
  out.Number(m.body_by_protocol.size());
  for (const auto& [protocol, body] : m.body_by_protocol) {
    out.Text(protocol);
    out.Text(body);
  }
  out.Number(m.attributes.size());
  for (const MessageAttribute& attribute : m.attributes) {
    out.Text(attribute.name);
    out.Text(attribute.type);
    out.Text(attribute.value);
  }
  out.Text(m.token);
  out.Time(m.published_at);
  out.Number(stored.targets.size());
  for (std::size_t i = 0; i < stored.targets.size(); ++i) {
    const Target& target = stored.targets[i];
    out.Text(target.subscription_arn);
    out.Number(static_cast<std::uint64_t>(target.protocol));
    out.Text(target.endpoint);
    AppendState(out, stored.states[i]);
  }
  return std::move(out).Finish();
}

std::string EncodeRecord(const StateChanges& changes) {
  RecordWriter out(kChangesKind);
  out.Number(changes.size());
  for (const StateChange& change : changes) {
    out.Number(change.number);
    out.Number(change.target_index);
    AppendState(out, change.state);
  }
  return std::move(out).Finish();
}

Result<OutboxRecord> DecodeRecord(std::string_view bytes) {
  RecordReader in(bytes);
  const std::uint8_t kind = in.Byte();
  OutboxRecord record;
  if (kind == kMessageKind) {
    record = ReadMessage(in);
  } else if (kind == kChangesKind) {
    record = ReadChanges(in);
  } else {
    return Fail(ErrorCode::kUnsupported, fmt::format("outbox record of unknown kind {}", kind));
  }
  if (!in.ok() || !in.at_end()) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("outbox record of {} bytes is broken", bytes.size()));
  }
  return record;
}

}  // namespace postglass::topics
