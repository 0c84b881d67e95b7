#pragma once

#include <optional>

#include "intake/types.h"
#include "pipelines/log.h"
#include "store/types.h"

namespace postglass::intake {

// The name of an event at its origin, after the pipelines ran: SNS MessageId; else the provider's
// event id (SES feedbackId); else message id, type, timestamp, recipients and link. Nothing when
// the event has none of these: it is then never a duplicate. Source and verification are part of
// the key, so that an unverified event never shadows a verified one. Pure.
std::optional<store::DedupKey> DedupKeyOf(const pipelines::Log& log, Verified verified);

}  // namespace postglass::intake
