#pragma once

#include <vector>

#include "base/result.h"
#include "store/group.h"
#include "store/types.h"

namespace postglass::store {

// The groups of these events, computed the plainest way: each group from the list of its events.
// Errors: kLimit (an event in too many groups).
Result<std::vector<Group>> OracleGroups(const std::vector<Event>& events,
                                        const GroupRequest& request);

}  // namespace postglass::store
