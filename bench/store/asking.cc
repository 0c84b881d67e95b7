#include "bench/store/asking.h"

namespace postglass::bench {

namespace {

constexpr int kRestarts = 3;
constexpr double kSlowSeconds = 5;  // what takes so long is not asked nine times
constexpr int kSlowRounds = 3;

// Takes everything and keeps nothing.
struct Discard final : store::Sink {
  std::uint64_t rows = 0;

  void Rows(std::span<const store::Event> events) override { rows += events.size(); }
};

std::string Checked(store::LogStore& store, const Question& question) {
  std::vector<Answer> answers(question.plans.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Result<store::RunReport> report = store.Run(question.plans[i], answers[i]);
    if (!report) return report.error().message;
    if (!report->damage.empty()) return report->damage.front();
  }
  return question.check(answers);
}

double Timed(store::LogStore& store, const Question& question) {
  Discard sink;
  const double begin = NowSeconds();
  for (const store::Plan& plan : question.plans) {
    // Errors were found by the checked run.
    static_cast<void>(store.Run(plan, sink));
  }
  return NowSeconds() - begin;
}

}  // namespace

void AskWarm(store::LogStore& store, std::span<const Question> questions, int rounds, Rows& rows) {
  for (const Question& question : questions) {
    if (const std::string wrong = Checked(store, question); !wrong.empty()) {
      rows.PrintWrong(question.row, wrong);
      continue;
    }
    std::vector<double> ms;
    for (int i = 0; i < rounds; ++i) {
      ms.push_back(Timed(store, question) * 1000);
      if (i + 1 == kSlowRounds && ms.back() > kSlowSeconds * 1000) break;
    }
    rows.Print(question.row, Median(ms), "ms");
  }
}

void AskCold(MeasuredStore& store, const Question& question, Rows& rows) {
  std::vector<double> ms;
  for (int i = 0; i < kRestarts; ++i) {
    store.Reopen();
    ms.push_back(Timed(*store, question) * 1000);
    if (const std::string wrong = Checked(*store, question); !wrong.empty()) {
      rows.PrintWrong(question.row, wrong);
      return;
    }
  }
  rows.Print(question.row, Median(ms), "ms");
}

}  // namespace postglass::bench
