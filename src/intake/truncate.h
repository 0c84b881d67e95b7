#pragma once

#include <cstddef>

#include "store/types.h"

namespace postglass::intake {

// Cuts a log above `bytes_max` (message, attributes and tags together) until it fits: the message
// first, then the longest texts of the attributes, in the end the attributes as a whole. Adds the
// tag "truncated". What fits is not touched.
void TruncateLog(store::Event& event, std::size_t bytes_max);

}  // namespace postglass::intake
