#pragma once

#include "bench/corpus/ses_corpus.h"
#include "bench/corpus/truth.h"
#include "store/log_store.h"

namespace postglass::bench {

struct IngestFigures {
  double wall_s = 0;       // from the first batch until everything is sealed
  double store_cpu_s = 0;  // of the whole process less the generator, merges behind it included
  double generator_cpu_s = 0;
  double json_bytes = 0;
  std::uint64_t refused = 0;  // batches that came again, because the store was busy
};

// Fills the store with the next events of the corpus: batches of a thousand, several under way at
// once. A thread of its own makes them, a few ahead; `truth` knows them afterwards. Ends the
// program when the store refuses for good.
IngestFigures Ingest(store::LogStore& store, SesCorpus& corpus, Truth& truth, std::uint64_t events);

}  // namespace postglass::bench
