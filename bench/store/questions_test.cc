#include "bench/store/questions.h"

#include <gtest/gtest.h>

#include <vector>

#include "store/oracle_store.h"

namespace postglass::bench {
namespace {

// The generator's own counts are the answers of the plainest store.
TEST(Questions, TheTruthIsWhatTheOracleAnswers) {
  for (const Variant variant : {Variant::kRaw, Variant::kProduct}) {
    SesCorpus::Options options;
    options.events = 3'000;
    options.variant = variant;
    SesCorpus corpus(options);
    Truth truth(options.events, corpus.start_ms());
    store::OracleStore store;
    std::vector<store::NewEvent> batch;
    for (std::uint64_t i = 0; i < options.events; ++i) {
      batch.push_back(corpus.Next());
      truth.Note(corpus.facts());
    }
    ASSERT_TRUE(store.Append(std::move(batch)));
    std::vector<Question> questions =
        variant == Variant::kRaw ? RawQuestions(truth, corpus) : ProductQuestions(truth);
    for (const Question& question : questions) {
      SCOPED_TRACE(question.row);
      std::vector<Answer> answers(question.plans.size());
      for (std::size_t i = 0; i < answers.size(); ++i) {
        ASSERT_TRUE(store.Run(question.plans[i], answers[i]));
      }
      EXPECT_EQ(question.check(answers), "");
      answers = std::vector<Answer>(question.plans.size());
      // So few events may hold nothing of what is rare.
      EXPECT_TRUE(question.row == "absent_ms" || question.row == "rare_newest_ms" ||
                  question.row.starts_with("word_") ||
                  question.row.starts_with("newest_100_hard") || question.check(answers) != "")
          << "an empty answer passes for the right one";
    }
  }
}

}  // namespace
}  // namespace postglass::bench
