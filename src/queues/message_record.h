#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "queues/types.h"

// What the message store writes to its journal, before sealing. Version 1, in the coding of
// base/record_coding.h. A kind that is not known is an error, never skipped: it may hold a message.

namespace postglass::queues {

struct StoredMessage {
  MessageNumber number = 0;  // 0: the sequence of this very record
  std::string queue_uid;
  Message message;
  MessageState state;
  bool operator==(const StoredMessage&) const = default;
};

// News about messages stored before.
struct StateChange {
  MessageNumber number = 0;
  bool removed = false;
  MessageState state;  // unless removed
  bool operator==(const StateChange&) const = default;
};

using StateChanges = std::vector<StateChange>;

// All messages of a queue up to this one are gone.
struct Purge {
  std::string queue_uid;
  MessageNumber up_to = 0;
  bool operator==(const Purge&) const = default;
};

using StoreRecord = std::variant<StoredMessage, StateChanges, Purge>;

std::string EncodeRecord(const StoreRecord& record);
// kCorruption, kUnsupported.
Result<StoreRecord> DecodeRecord(std::string_view bytes);

}  // namespace postglass::queues
