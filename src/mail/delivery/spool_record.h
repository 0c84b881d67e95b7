#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "journal/journal.h"
#include "mail/delivery/carrier.h"
#include "mail/types.h"

// The records of the spool's journal, before sealing. The grammar stands at the encoders.

namespace postglass::mail {

// A mail is named by the sequence of the record that accepted it, over all copies of it.
using MailSequence = journal::Sequence;

// Accept(): the mail; its Send event is implied.
struct AcceptedRecord {
  Mail mail;
};

// A live mail of a file that is to go, written again with how far it is. No event.
struct CopiedRecord {
  MailSequence origin = 0;
  Mail mail;
  std::vector<RecipientState> states;
};

// One step of delivery. `states` are those of all recipients; empty when all are done.
struct OutcomeRecord {
  MailSequence origin = 0;
  EventSubject subject;  // empty members when there are no events
  std::vector<CarriedEvent> events;
  std::vector<RecipientState> states;
};

// Record(): an event from elsewhere.
struct EventRecord {
  MailEvent event;
};

using SpoolRecord = std::variant<AcceptedRecord, CopiedRecord, OutcomeRecord, EventRecord>;

std::string EncodeAccepted(const Mail& mail);
std::string EncodeCopied(MailSequence origin,
                         const Mail& mail,
                         const std::vector<RecipientState>& states);
std::string EncodeOutcome(const OutcomeRecord& record);
std::string EncodeEvent(const MailEvent& event);

// kCorruption when the bytes are no record; kUnsupported for a newer version.
Result<SpoolRecord> DecodeSpoolRecord(std::string_view bytes);

}  // namespace postglass::mail
