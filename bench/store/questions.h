#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/corpus/ses_corpus.h"
#include "bench/store/answers.h"
#include "store/plan.h"

namespace postglass::bench {

// One measured query: the plans that make it up, run one after the other, and whether all answers
// are right.
struct Question {
  std::string row;
  std::vector<store::Plan> plans;
  std::function<std::string(const std::vector<Answer>&)> check;  // empty: right
};

// All queries of the table on the raw events.
std::vector<Question> RawQuestions(const Truth& truth, const SesCorpus& corpus);
// Those that need the normalised view: by recipient domain.
std::vector<Question> ProductQuestions(const Truth& truth);

Question ColdRare(const Truth& truth);
Question ColdAbsent();

// Newest 100 events of an address; all of a mail.
store::Plan RecipientPlan(std::string address);
store::Plan MessagePlan(std::string message_id);

}  // namespace postglass::bench
