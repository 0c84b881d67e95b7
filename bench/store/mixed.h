#pragma once

#include "bench/corpus/ses_corpus.h"
#include "bench/corpus/truth.h"
#include "bench/store/rows.h"
#include "store/log_store.h"

namespace postglass::bench {

// Eight clients look up recipients (newest 100) and mails, by turns, as fast as they are answered,
// while the corpus goes on at 2,000 events a second in batches of 200. Prints mixed_clients_*.
void AskMixed(
    store::LogStore& store, SesCorpus& corpus, const Truth& truth, double seconds, Rows& rows);

}  // namespace postglass::bench
