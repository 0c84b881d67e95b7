#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/types.h"

// The payload of the store's journal records: docs/format/segment.md, "Journal records". Pure.

namespace postglass::store {

// Bytes that the events take, roughly; what bounds and counters go by.
std::size_t ApproximateBytes(std::span<const NewEvent> events);

// `bytes_hint` saves growing step by step; ApproximateBytes() is a good one.
std::string EncodeBatch(std::span<const NewEvent> events, std::size_t bytes_hint = 0);
// A record without events, appended to see whether the journal can be written again.
std::string EncodeProbe();

// Empty for a probe. Errors: kCorruption; kUnsupported (a newer version).
Result<std::vector<NewEvent>> DecodeBatch(std::string_view payload);

}  // namespace postglass::store
