#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "topics/types.h"

// What the outbox writes to its journal, before sealing. Version 1: one kind byte, then fields;
// integers are LEB128, strings are length and bytes. A kind or version that is not known is an
// error, never skipped: it may hold a message.

namespace postglass::topics {

// Names a message over restarts and compactions: the journal sequence of its first copy.
using MessageNumber = std::uint64_t;

struct TargetState {
  enum class Phase { kPending, kDone, kDead };
  Phase phase = Phase::kPending;
  std::uint32_t attempts = 0;
  std::string reason;  // dead: why
  Timestamp since;     // dead: when
  bool operator==(const TargetState&) const = default;
};

// A message and where it stands with each target.
struct StoredMessage {
  MessageNumber number = 0;  // 0: the sequence of this very record
  Message message;
  std::vector<Target> targets;
  std::vector<TargetState> states;  // as many as targets
  bool operator==(const StoredMessage&) const = default;
};

// News about messages stored before.
struct StateChange {
  MessageNumber number = 0;
  std::uint32_t target_index = 0;
  TargetState state;
  bool operator==(const StateChange&) const = default;
};

using StateChanges = std::vector<StateChange>;
using OutboxRecord = std::variant<StoredMessage, StateChanges>;

std::string EncodeRecord(const StoredMessage& message);
std::string EncodeRecord(const StateChanges& changes);
// kCorruption, kUnsupported.
Result<OutboxRecord> DecodeRecord(std::string_view bytes);

}  // namespace postglass::topics
