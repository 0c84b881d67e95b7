#pragma once

#include <span>

#include "bench/store/measured_store.h"
#include "bench/store/questions.h"
#include "bench/store/rows.h"

namespace postglass::bench {

// Checks each answer once, then prints the median of `rounds` warm runs in milliseconds.
void AskWarm(store::LogStore& store, std::span<const Question> questions, int rounds, Rows& rows);
// The first run behind a restart with cold caches, median of three restarts.
void AskCold(MeasuredStore& store, const Question& question, Rows& rows);

}  // namespace postglass::bench
