#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "store/plan.h"
#include "store/types.h"

namespace postglass::store {

// Events and questions for the model tests: few distinct words and paths, so that questions meet
// events; nested and mixed types, missing fields, odd text, so that they meet all rules.

// The n-th event. Ids are distinct; times are near each other and repeat.
NewEvent RandomEvent(Random& random, std::uint32_t n);
Predicate RandomPredicate(Random& random, int depth);
// With answers of every kind; rows in pages of up to 50.
Plan RandomPlan(Random& random);

}  // namespace postglass::store
