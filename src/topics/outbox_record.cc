#include "topics/outbox_record.h"

#include <fmt/format.h>

namespace postglass::topics {
namespace {

constexpr std::uint8_t kMessageKind = 1;
constexpr std::uint8_t kChangesKind = 2;

class Writer {
 public:
  explicit Writer(std::uint8_t kind) { out_ += static_cast<char>(kind); }

  void Number(std::uint64_t n) {
    while (n >= 0x80) {
      out_ += static_cast<char>((n & 0x7F) | 0x80);
      n >>= 7;
    }
    out_ += static_cast<char>(n);
  }

  void Text(std::string_view text) {
    Number(text.size());
    out_ += text;
  }

  void Time(Timestamp t) { Number(static_cast<std::uint64_t>(t.nanos)); }

  void State(const TargetState& state) {
    Number(static_cast<std::uint64_t>(state.phase));
    Number(state.attempts);
    Text(state.reason);
    Time(state.since);
  }

  std::string Finish() && { return std::move(out_); }

 private:
  std::string out_;
};

// Reads what Writer wrote. After the first error everything reads as empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }

  bool at_end() const { return rest_.empty(); }

  std::uint8_t Byte() {
    if (rest_.empty()) return Broken<std::uint8_t>();
    const auto byte = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }

  std::uint64_t Number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t byte = Byte();
      if (!ok_) return 0;
      n |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return n;
    }
    return Broken<std::uint64_t>();
  }

  std::string Text() {
    const std::uint64_t size = Number();
    if (size > rest_.size()) return Broken<std::string>();
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return text;
  }

  // How many items follow; each takes at least one byte, which bounds what is reserved.
  std::size_t Count() {
    const std::uint64_t count = Number();
    if (count > rest_.size()) return Broken<std::size_t>();
    return count;
  }

  Timestamp Time() { return {static_cast<std::int64_t>(Number())}; }

  template <class Enum>
  Enum Choice(Enum last) {
    const std::uint64_t n = Number();
    if (n > static_cast<std::uint64_t>(last)) return Broken<Enum>();
    return static_cast<Enum>(n);
  }

  TargetState State() {
    TargetState state;
    state.phase = Choice(TargetState::Phase::kDead);
    state.attempts = static_cast<std::uint32_t>(Number());
    state.reason = Text();
    state.since = Time();
    return state;
  }

 private:
  template <class T>
  T Broken() {
    ok_ = false;
    rest_ = {};
    return T();
  }

  std::string_view rest_;
  bool ok_ = true;
};

StoredMessage ReadMessage(Reader& in) {
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
    target.protocol = in.Choice(Protocol::kLambda);
    target.endpoint = in.Text();
    stored.targets.push_back(std::move(target));
    stored.states.push_back(in.State());
  }
  return stored;
}

StateChanges ReadChanges(Reader& in) {
  StateChanges changes;
  for (std::size_t i = in.Count(); i > 0 && in.ok(); --i) {
    StateChange change;
    change.number = in.Number();
    change.target_index = static_cast<std::uint32_t>(in.Number());
    change.state = in.State();
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace

std::string EncodeRecord(const StoredMessage& stored) {
  Writer out(kMessageKind);
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
    out.State(stored.states[i]);
  }
  return std::move(out).Finish();
}

std::string EncodeRecord(const StateChanges& changes) {
  Writer out(kChangesKind);
  out.Number(changes.size());
  for (const StateChange& change : changes) {
    out.Number(change.number);
    out.Number(change.target_index);
    out.State(change.state);
  }
  return std::move(out).Finish();
}

Result<OutboxRecord> DecodeRecord(std::string_view bytes) {
  Reader in(bytes);
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
