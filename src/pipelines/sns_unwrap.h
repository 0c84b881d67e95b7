#pragma once

#include "base/result.h"
#include "pipelines/context.h"
#include "pipelines/log.h"

namespace postglass::pipelines {

// Brings what an SNS notification carries to the root, in the three ways it comes:
//  - Sns.Message, a JSON text (the Lambda forwarder in Python, ours, and the SNS receiver);
//  - the message of the log, the JSON text of such a record (the forwarder in Go);
//  - the message of the log, or the root already, the payload itself (raw delivery, Firehose).
// A payload that is no JSON object, such as SES's test message, becomes the log's message.
//
// Sns keeps the envelope. Message goes, since it is the root now; Signature goes, since it covers
// what is no longer there and was checked before; UnsubscribeUrl goes, since whoever holds it can
// end the subscription.
//
// kInvalidArgument when a text begins like a JSON object and is none; the text stays.
Status UnwrapSns(Log& log, Context& context);

}  // namespace postglass::pipelines
