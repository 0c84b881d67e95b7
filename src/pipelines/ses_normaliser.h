#pragma once

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Writes the normalised view of an SES record beside it (event.*, email.*, smtp.*, client.address,
// user_agent.original, duration, cloud.*), its status and its message. The record itself, eventType
// or notificationType with `mail` at the root, is not changed; a log that is none is left alone.
//
// Fields: docs/compat/pipelines.md. email.recipient.* are this event's recipients, lower case;
// smtp.* and email.bounce.raw are arrays where the recipients' values differ.
Status NormaliseSes(Log& log, Context& context);

}  // namespace postglass::pipelines
