#include "bench/store/mixed.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/corpus/draws.h"
#include "bench/store/questions.h"

namespace postglass::bench {

namespace {

constexpr int kClients = 8;
constexpr std::size_t kBatchEvents = 200;
constexpr auto kBatchEvery = std::chrono::milliseconds(100);

struct CountRows final : store::Sink {
  std::uint64_t rows = 0;

  void Rows(std::span<const store::Event> events) override { rows += events.size(); }
};

struct LookUp {
  store::Plan plan;
  std::uint64_t rows_min = 0;  // more may arrive meanwhile
};

std::vector<LookUp> LookUps(const Truth& truth) {
  std::vector<LookUp> all;
  for (const Rank rank : truth.drawn_recipients()) {
    const std::uint64_t known = std::max<std::uint64_t>(1, truth.EventsOf(rank));
    all.push_back({RecipientPlan(People::Address(rank)), std::min<std::uint64_t>(known, 100)});
  }
  for (const Truth::KnownMail& mail : truth.Mails()) {
    all.push_back({MessagePlan(mail.message_id), std::min<std::uint64_t>(mail.events, 100)});
  }
  return all;
}

// Appends at an even pace until told to stop; the milliseconds until each batch was durable.
std::vector<double> Arrive(store::LogStore& store,
                           SesCorpus& corpus,
                           const std::atomic<bool>& stop) {
  std::vector<double> ms;
  auto due = std::chrono::steady_clock::now();
  while (!stop) {
    std::vector<store::NewEvent> batch(kBatchEvents);
    for (store::NewEvent& entry : batch) corpus.Next(entry);
    std::this_thread::sleep_until(due += kBatchEvery);
    const double begin = NowSeconds();
    // A busy store is tried again with the next batch: this one was not acknowledged.
    if (store.Append(std::move(batch))) ms.push_back((NowSeconds() - begin) * 1000);
  }
  return ms;
}

double Percentile(std::vector<double>& values, double q) {
  if (values.empty()) return 0;
  const auto place =
      values.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

}  // namespace

void AskMixed(
    store::LogStore& store, SesCorpus& corpus, const Truth& truth, double seconds, Rows& rows) {
  const std::vector<LookUp> look_ups = LookUps(truth);
  std::atomic<bool> stop{false};
  std::vector<double> ms;
  double cpu_s = 0;
  std::string wrong;
  std::mutex mutex;  // of all three
  std::vector<double> append_ms;
  std::thread arrivals([&] { append_ms = Arrive(store, corpus, stop); });
  const double begin = NowSeconds();
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      Draws draws(static_cast<std::uint64_t>(client));
      std::vector<double> own_ms;
      while (NowSeconds() - begin < seconds) {
        const LookUp& look_up = look_ups[draws.Below(look_ups.size())];
        CountRows sink;
        const double asked = NowSeconds();
        const bool answered = store.Run(look_up.plan, sink).has_value();
        own_ms.push_back((NowSeconds() - asked) * 1000);
        if (answered && sink.rows >= look_up.rows_min) continue;
        std::lock_guard lock(mutex);
        wrong = fmt::format("{} rows instead of {} or more", sink.rows, look_up.rows_min);
      }
      std::lock_guard lock(mutex);
      cpu_s += ThreadCpuSeconds();
      ms.insert(ms.end(), own_ms.begin(), own_ms.end());
    });
  }
  for (std::thread& client : clients) client.join();
  const double taken = NowSeconds() - begin;
  stop = true;
  arrivals.join();
  if (!wrong.empty()) {
    rows.PrintWrong("mixed_clients_per_s", wrong);
    return;
  }
  rows.Print("mixed_clients_per_s", static_cast<double>(ms.size()) / taken, "1/s");
  rows.Print("mixed_clients_cpu_us", cpu_s * 1e6 / static_cast<double>(ms.size()), "us");
  rows.Print("mixed_clients_p50_ms", Percentile(ms, 0.5), "ms");
  rows.Print("mixed_clients_p99_ms", Percentile(ms, 0.99), "ms");
  rows.Print(
      "mixed_arrivals_per_s", static_cast<double>(append_ms.size() * kBatchEvents) / taken, "1/s");
  rows.Print("mixed_append_p99_ms", Percentile(append_ms, 0.99), "ms");
}

}  // namespace postglass::bench
