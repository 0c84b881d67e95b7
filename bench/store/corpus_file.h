#pragma once

#include <string>

#include "bench/corpus/ses_corpus.h"

namespace postglass::bench {

// For the rivals: prints the corpus to standard output, one event's JSON a line, then writes what
// to ask and the right answers as one JSON object to `questions_file`. Returns the exit code.
int PrintCorpus(const SesCorpus::Options& options, const std::string& questions_file);

}  // namespace postglass::bench
