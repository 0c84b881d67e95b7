#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"
#include "query/naive_search_testing.h"

namespace postglass::query {

// Events and searches that meet often: few words and paths, but of every kind (nested, arrays,
// arrays of objects, mixed types, keys that repeat or hold dots, texts of several alphabets).

// The n-th event. Ids are distinct; times are near each other and repeat.
NaiveEvent RandomNaiveEvent(Random& random, std::uint32_t n);

struct RandomSearch {
  std::string text;
  Meaning meaning;
};

// Uses the whole language, written in every way it allows.
RandomSearch MakeRandomSearch(Random& random);

}  // namespace postglass::query
