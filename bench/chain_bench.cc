// Measures a running server from outside, one thing a call; run.sh puts the calls together.
//
//   chain_bench WHAT --data DIR --credentials FILE [--connections N] [--seconds S] [--rate R]
//               [--events N] [--seed N] [--url URL] [--started NANOS]
//
// Prints one line a figure: name, value, unit, with tabs between. Exit status 1 when something
// could not be measured. Everything ends by itself.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <map>
#include <optional>
#include <thread>

#include "base/encoding.h"
#include "base/json.h"
#include "base/random_testing.h"
#include "bench/corpus/people.h"
#include "bench/corpus/ses_corpus.h"
#include "bench/load_loop.h"
#include "bench/load_mails.h"
#include "bench/load_smtp.h"
#include "bench/load_target.h"

namespace postglass::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kMailsPrepared = 4096;    // sent over and over
constexpr std::size_t kEventsPerMail = 2;       // captured mail: Send and Delivery
constexpr std::uint64_t kVerifyEvery = 500;     // sends from one whose events are looked for
constexpr std::uint64_t kSampleEvery = 50;      // to the next; searches are limited to 100/s
constexpr std::size_t kBatchEvents = 500;       // of one intake request
constexpr std::size_t kChunkEvents = 50'000;    // made before they are sent, so as not to time it
constexpr std::chrono::seconds kDrainMax{180};  // for the chain to take in what was accepted
constexpr std::chrono::milliseconds kPoll{20};

struct Settings {
  std::string what;
  std::map<std::string, std::string> flags;

  std::string Text(const std::string& name, const std::string& fallback = {}) const {
    const auto found = flags.find(name);
    return found == flags.end() ? fallback : found->second;
  }

  double Number(const std::string& name, double fallback) const {
    const auto found = flags.find(name);
    return found == flags.end() ? fallback : std::strtod(found->second.c_str(), nullptr);
  }

  std::size_t Count(const std::string& name, std::size_t fallback) const {
    return static_cast<std::size_t>(Number(name, static_cast<double>(fallback)));
  }
};

double SecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

void Print(std::string_view figure, double value, std::string_view unit) {
  const int digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  fmt::print("{}\t{:.{}f}\t{}\n", figure, value, digits, unit);
  std::fflush(stdout);
}

void PrintLatency(std::string_view figure, const Latencies& latency) {
  Print(fmt::format("{}, p50", figure), latency.Percentile(0.5), "ms");
  Print(fmt::format("{}, p99", figure), latency.Percentile(0.99), "ms");
}

std::unique_ptr<net::HttpClient> MakeClient() {
  return net::MakeHttpClient({.system_roots = false});
}

Result<double> StoredEvents(const LoadTarget& target) {
  return ReadMetric(*MakeClient(), target.http_url, "postglass_store_events_total");
}

// Waits until the store holds `goal` events in all; how many it had when it stood still or the time
// was over.
Result<double> AwaitStored(const LoadTarget& target, double goal) {
  const auto start = SteadyClock::now();
  const auto client = MakeClient();
  for (;;) {
    ASSIGN_OR_RETURN(const double stored,
                     ReadMetric(*client, target.http_url, "postglass_store_events_total"));
    if (stored >= goal || SteadyClock::now() - start > kDrainMax) return stored;
    std::this_thread::sleep_for(kPoll);
  }
}

// How many events a search finds; at most 10. 429 counts as nothing found yet.
Result<std::size_t> CountFound(net::HttpClient& client,
                               const LoadTarget& target,
                               const std::string& query,
                               const std::string& from) {
  net::HttpClient::Request request;
  request.method = "POST";
  request.url = target.http_url + "/api/v2/logs/events/search";
  request.headers = {{"DD-API-KEY", target.api_key},
                     {"DD-APPLICATION-KEY", target.application_key},
                     {"Content-Type", "application/json"}};
  request.body = json::Serialize(
      json::object{{"filter", json::object{{"query", query}, {"from", from}, {"to", "now"}}},
                   {"page", json::object{{"limit", 10}}}});
  ASSIGN_OR_RETURN(const net::HttpResponse response, client.Send(request));
  if (response.status == 429) return std::size_t{0};
  if (response.status != 200) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("search {}: {} {}", query, response.status, response.body));
  }
  ASSIGN_OR_RETURN(const json::object page, json::ParseObject(response.body));
  const json::array* data = json::GetArray(page, "data");
  return data == nullptr ? 0 : data->size();
}

// Message ids of some of the mails that were accepted. Thread-safe.
class AcceptedIds {
 public:
  void Add(std::string id) {
    MutexLock lock(mutex_);
    ids_.push_back(std::move(id));
  }

  std::vector<std::string> Get() const {
    MutexLock lock(mutex_);
    return ids_;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::string> ids_ GUARDED_BY(mutex_);
};

// Calls `on_accepted`, when there is one, with the message id of every `every`-th mail.
MakeSender ApiSenders(const std::vector<net::HttpClient::Request>& requests,
                      std::uint64_t every,
                      const std::function<void(std::string id)>& on_accepted) {
  return [&requests, every, on_accepted](std::size_t) -> Result<Sender> {
    return Sender([&requests, every, on_accepted, client = std::shared_ptr(MakeClient())](
                      std::uint64_t n) -> Status {
      ASSIGN_OR_RETURN(const net::HttpResponse response,
                       client->Send(requests[n % requests.size()]));
      if (response.status != 200) {
        return Fail(ErrorCode::kUnavailable,
                    fmt::format("{} {}", response.status, response.body.substr(0, 200)));
      }
      if (on_accepted && n % every == 0) {
        ASSIGN_OR_RETURN(const json::object answer, json::ParseObject(response.body));
        on_accepted(json::GetStringOr(answer, "MessageId", ""));
      }
      return {};
    });
  };
}

MakeSender SmtpSenders(const std::vector<LoadMail>& mails,
                       const std::vector<std::string>& messages,
                       const LoadTarget& target) {
  return [&](std::size_t) -> Result<Sender> {
    ASSIGN_OR_RETURN(auto opened, SmtpLoadConnection::Open(target));
    return Sender([&mails, &messages, connection = std::shared_ptr(std::move(opened))](
                      std::uint64_t n) -> Status {
      return connection->Send(mails[n % mails.size()].to, messages[n % messages.size()]);
    });
  };
}

// Appends and syncs as a journal would with one record a time: what the disk allows without group
// commit.
Status MeasureFsync(const Settings& settings) {
  const std::string path = settings.Text("data") + "/fsync-probe";
  const int fd = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return Fail(ErrorCode::kIo, "cannot create " + path);
  const std::string block(4096, 'x');
  const double seconds = settings.Number("seconds", 3);
  Latencies latency;
  const auto start = SteadyClock::now();
  bool ok = true;
  while (ok && SecondsSince(start) < seconds) {
    const auto begin = SteadyClock::now();
    ok = write(fd, block.data(), block.size()) == static_cast<ssize_t>(block.size()) &&
         fdatasync(fd) == 0;
    latency.Add(SecondsSince(begin) * 1000);
  }
  const double rate = static_cast<double>(latency.size()) / SecondsSince(start);
  close(fd);
  unlink(path.c_str());
  if (!ok) return Fail(ErrorCode::kIo, "cannot write " + path);
  Print("machine: append 4 KiB and fdatasync", rate, "1/s");
  PrintLatency("machine: append 4 KiB and fdatasync", latency);
  return {};
}

// Both of the sample's events must be found by message id.
Status Verify(const LoadTarget& target, const std::vector<std::string>& ids) {
  const auto client = MakeClient();
  std::size_t missing = 0;
  const std::size_t step = std::max<std::size_t>(1, ids.size() / 20);
  std::size_t looked_at = 0;
  for (std::size_t i = 0; i < ids.size(); i += step, ++looked_at) {
    ASSIGN_OR_RETURN(const std::size_t found,
                     CountFound(*client, target, "@mail.messageId:" + ids[i], "now-1h"));
    if (found != kEventsPerMail) ++missing;
  }
  if (missing == 0) return {};
  return Fail(
      ErrorCode::kInternal,
      fmt::format("{} of {} mails looked for do not show both their events", missing, looked_at));
}

// A flood through one door, then what the whole chain made of it. Sends are accepted before their
// events are searchable, so the chain's rate counts until the last one is.
Status MeasureFlood(const Settings& settings,
                    const LoadTarget& target,
                    std::string_view door,
                    const MakeSender& make,
                    const AcceptedIds& ids) {
  ASSIGN_OR_RETURN(const double stored_before, StoredEvents(target));
  const double processor_before = ProcessorSeconds(target.pid);
  const double own_before = ProcessorSeconds(getpid());
  const auto start = SteadyClock::now();
  ASSIGN_OR_RETURN(
      const LoadReport report,
      RunClosedLoop(settings.Count("connections", 32), settings.Number("seconds", 10), make));
  ASSIGN_OR_RETURN(const double stored_at_end, StoredEvents(target));
  const double own = ProcessorSeconds(getpid()) - own_before;
  const auto flood_end = SteadyClock::now();
  if (report.accepted == 0) {
    return Fail(ErrorCode::kUnavailable, "nothing was accepted: " + report.first_refusal);
  }
  const auto accepted = static_cast<double>(report.accepted);
  Print(fmt::format("{}: sends accepted", door), report.per_second(), "1/s");
  PrintLatency(fmt::format("{}: answer", door), report.latency);
  Print(
      fmt::format("{}: load generator's processor time a send", door), own * 1e6 / accepted, "us");
  if (report.refused > 0) {
    Print(fmt::format("{}: refused ({})", door, report.first_refusal),
          static_cast<double>(report.refused),
          "");
  }
  const double goal = stored_before + accepted * kEventsPerMail;
  ASSIGN_OR_RETURN(const double stored, AwaitStored(target, goal));
  const double processor = ProcessorSeconds(target.pid) - processor_before;
  Print(fmt::format("{}: events, send to searchable", door),
        (stored - stored_before) / SecondsSince(start),
        "1/s");
  Print(fmt::format("{}: events not yet searchable when the sends ended", door),
        goal - stored_at_end,
        "");
  if (goal - stored_at_end > 5000) {
    Print(fmt::format("{}: events of that backlog", door),
          (stored - stored_at_end) / SecondsSince(flood_end),
          "1/s");
  }
  Print(fmt::format("{}: server's processor time a mail, all stages", door),
        processor * 1e6 / accepted,
        "us");
  if (stored < goal) {
    return Fail(ErrorCode::kTimeout,
                fmt::format("{} events of {} are missing after {} s",
                            goal - stored,
                            accepted * kEventsPerMail,
                            kDrainMax.count()));
  }
  return Verify(target, ids.Get());
}

Status MeasureApi(const Settings& settings, const LoadTarget& target) {
  const auto requests = MakeSendRequests(MakeLoadMails(settings.Count("seed", 1), kMailsPrepared),
                                         target,
                                         target.http_url,
                                         SystemClock().Now());
  AcceptedIds ids;
  return MeasureFlood(
      settings,
      target,
      "SES API v2",
      ApiSenders(requests, kVerifyEvery, [&](std::string id) { ids.Add(std::move(id)); }),
      ids);
}

Status MeasureSmtp(const Settings& settings, const LoadTarget& target) {
  const auto mails = MakeLoadMails(settings.Count("seed", 2), kMailsPrepared);
  const auto messages = MakeSmtpMessages(mails);
  return MeasureFlood(settings, target, "SMTP", SmtpSenders(mails, messages, target), {});
}

// The same requests to another implementation of the SES API v2.
Status MeasurePeer(const Settings& settings) {
  LoadTarget target;
  RETURN_IF_ERROR(ReadCredentials(settings.Text("credentials"), target));
  const auto requests = MakeSendRequests(MakeLoadMails(settings.Count("seed", 1), kMailsPrepared),
                                         target,
                                         settings.Text("url"),
                                         SystemClock().Now());
  ASSIGN_OR_RETURN(const LoadReport report,
                   RunClosedLoop(settings.Count("connections", 32),
                                 settings.Number("seconds", 10),
                                 ApiSenders(requests, kVerifyEvery, {})));
  if (report.accepted == 0) {
    return Fail(ErrorCode::kUnavailable, "the peer accepted nothing: " + report.first_refusal);
  }
  Print("peer: sends accepted", report.per_second(), "1/s");
  PrintLatency("peer: answer", report.latency);
  if (report.refused > 0) Print("peer: refused", static_cast<double>(report.refused), "");
  return {};
}

// Looks for accepted mails until both their events are found. The first look comes at once and each
// further one after a wait that doubles, within the rate limit of searches; so a figure is what a
// person would see, at most twice the truth, and includes the search itself. Thread-safe.
class Sampler {
 public:
  explicit Sampler(const LoadTarget& target) : target_(target) {
    for (int i = 0; i < 4; ++i) threads_.emplace_back([this](std::stop_token stop) { Run(stop); });
  }

  void Add(std::string id) {
    MutexLock lock(mutex_);
    waiting_.push_back({std::move(id), SteadyClock::now()});
  }

  // Waits for the last one; the latencies of the first event and of both, and how many never came.
  struct Outcome {
    Latencies first;
    Latencies both;
    std::size_t missing = 0;
  };

  Outcome Finish() {
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
    MutexLock lock(mutex_);
    return outcome_;
  }

 private:
  struct Sample {
    std::string id;
    SteadyClock::time_point accepted;
  };

  std::optional<Sample> Take() {
    MutexLock lock(mutex_);
    if (waiting_.empty()) return std::nullopt;
    Sample sample = std::move(waiting_.front());
    waiting_.pop_front();
    return sample;
  }

  void Run(const std::stop_token& stop) {
    const auto client = MakeClient();
    for (;;) {
      const auto sample = Take();
      if (!sample) {
        if (stop.stop_requested()) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      Follow(*client, *sample);
    }
  }

  void Follow(net::HttpClient& client, const Sample& sample) {
    std::optional<double> first_ms;
    for (double wait_ms = 5; wait_ms < 20'000; wait_ms *= 2) {
      const auto found = CountFound(client, target_, "@mail.messageId:" + sample.id, "now-5m");
      const double ms = SecondsSince(sample.accepted) * 1000;
      if (found && *found > 0 && !first_ms) first_ms = ms;
      if (found && *found >= kEventsPerMail) {
        MutexLock lock(mutex_);
        outcome_.first.Add(*first_ms);
        outcome_.both.Add(ms);
        return;
      }
      std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(wait_ms));
    }
    MutexLock lock(mutex_);
    ++outcome_.missing;
  }

  const LoadTarget& target_;
  Mutex mutex_;
  std::deque<Sample> waiting_ GUARDED_BY(mutex_);
  Outcome outcome_ GUARDED_BY(mutex_);
  std::vector<std::jthread> threads_;
};

Status MeasurePaced(const Settings& settings, const LoadTarget& target) {
  const auto requests = MakeSendRequests(MakeLoadMails(settings.Count("seed", 3), kMailsPrepared),
                                         target,
                                         target.http_url,
                                         SystemClock().Now());
  const double rate = settings.Number("rate", 1000);
  ASSIGN_OR_RETURN(const double stored_before, StoredEvents(target));
  const double processor_before = ProcessorSeconds(target.pid);
  Sampler sampler(target);
  ASSIGN_OR_RETURN(const LoadReport report,
                   RunPacedLoop(settings.Count("connections", 32),
                                settings.Number("seconds", 20),
                                rate,
                                ApiSenders(requests, kSampleEvery, [&](std::string id) {
                                  sampler.Add(std::move(id));
                                })));
  const double processor = ProcessorSeconds(target.pid) - processor_before;
  const Sampler::Outcome outcome = sampler.Finish();
  const std::string name = fmt::format("{:.0f} sends/s", rate);
  Print(name + ": sends accepted", report.per_second(), "1/s");
  PrintLatency(name + ": due to accepted", report.latency);
  PrintLatency(name + ": accepted to first event searchable", outcome.first);
  PrintLatency(name + ": accepted to both events searchable", outcome.both);
  Print(name + ": mails looked for", static_cast<double>(outcome.both.size()), "");
  Print(name + ": server's processor share", processor * 100 / report.seconds, "% of a core");
  if (report.refused > 0) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("{} sends were refused: {}", report.refused, report.first_refusal));
  }
  if (outcome.missing > 0) {
    return Fail(ErrorCode::kTimeout, fmt::format("{} mails were never found", outcome.missing));
  }
  const double goal = stored_before + static_cast<double>(report.accepted * kEventsPerMail);
  ASSIGN_OR_RETURN(const double stored, AwaitStored(target, goal));
  return stored >= goal ? Status() : Fail(ErrorCode::kTimeout, "events are missing");
}

// An SES event as a client of the intake sends it.
std::string IntakeEntry(const store::Event& event) {
  auto attributes = json::ParseObject(event.attributes);
  json::object entry = attributes ? std::move(*attributes) : json::object();
  entry["ddsource"] = "ses";
  entry["service"] = event.service;
  entry["ddtags"] = "env:prod,region:us-east-1";
  return json::Serialize(entry);
}

std::vector<std::string> MakeBatches(SesCorpus& corpus, std::size_t events) {
  std::vector<std::string> batches;
  for (std::size_t made = 0; made < events;) {
    std::string body = "[";
    for (std::size_t i = 0; i < kBatchEvents && made < events; ++i, ++made) {
      if (i > 0) body += ',';
      body += IntakeEntry(corpus.Next().event);
    }
    batches.push_back(body + "]");
  }
  return batches;
}

SesCorpus::Options CorpusOptions(const Settings& settings, std::size_t events) {
  SesCorpus::Options options;
  options.seed = settings.Count("seed", 4);
  options.events = events;
  // The last events are of about now, the first just inside the look-ups' thirty days.
  constexpr std::int64_t kSpareMs = 3'600'000;
  options.start_ms = SystemClock().Now().millis() - SesCorpus::kDays * 86'400'000 + kSpareMs;
  return options;
}

Status MeasureIntake(const Settings& settings, const LoadTarget& target) {
  const std::size_t events = settings.Count("events", 1'000'000);
  SesCorpus corpus(CorpusOptions(settings, events));
  ASSIGN_OR_RETURN(const double stored_before, StoredEvents(target));
  const double processor_before = ProcessorSeconds(target.pid);
  double seconds = 0;
  double bytes = 0;
  Latencies latency;
  for (std::size_t sent = 0; sent < events; sent += kChunkEvents) {
    const auto batches = MakeBatches(corpus, std::min(kChunkEvents, events - sent));
    for (const auto& batch : batches) bytes += static_cast<double>(batch.size());
    std::atomic<std::size_t> next{0};
    std::vector<Latencies> parts(settings.Count("connections", 4));
    AcceptedIds refusals;
    const auto start = SteadyClock::now();
    std::vector<std::jthread> threads;
    for (Latencies& part : parts) {
      threads.emplace_back([&] {
        const auto client = MakeClient();
        net::HttpClient::Request request;
        request.method = "POST";
        request.url = target.http_url + "/api/v2/logs";
        request.headers = {{"DD-API-KEY", target.api_key}, {"Content-Type", "application/json"}};
        for (std::size_t i = next++; i < batches.size(); i = next++) {
          request.body = batches[i];
          const auto begin = SteadyClock::now();
          const auto response = client->Send(request);
          part.Add(SecondsSince(begin) * 1000);
          if (!response) {
            refusals.Add(response.error().message);
          } else if (response->status != 202) {
            refusals.Add(fmt::format("{} {}", response->status, response->body.substr(0, 200)));
          }
        }
      });
    }
    threads.clear();
    seconds += SecondsSince(start);
    for (const Latencies& part : parts) latency.Add(part);
    if (const auto reasons = refusals.Get(); !reasons.empty()) {
      return Fail(ErrorCode::kUnavailable, "the intake refused a batch: " + reasons.front());
    }
  }
  ASSIGN_OR_RETURN(const double stored, StoredEvents(target));
  const auto count = static_cast<double>(events);
  Print("intake: events accepted, batches of 500", count / seconds, "1/s");
  Print("intake: JSON accepted", bytes / 1e6 / seconds, "MB/s");
  PrintLatency("intake: answer to a batch", latency);
  Print("intake: events stored of those sent", (stored - stored_before) * 100 / count, "%");
  Print("intake: server's processor time an event",
        (ProcessorSeconds(target.pid) - processor_before) * 1e6 / count,
        "us");
  return {};
}

Result<double> TimedGet(net::HttpClient& client,
                        const LoadTarget& target,
                        const std::string& path,
                        int* found) {
  net::HttpClient::Request request;
  request.url = target.http_url + path;
  request.timeout = std::chrono::seconds(60);
  request.headers = {{"DD-API-KEY", target.api_key},
                     {"DD-APPLICATION-KEY", target.application_key}};
  const auto begin = SteadyClock::now();
  ASSIGN_OR_RETURN(const net::HttpResponse response, client.Send(request));
  const double ms = SecondsSince(begin) * 1000;
  if (response.status != 200) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("GET {}: {} {}", path, response.status, response.body.substr(0, 200)));
  }
  // Every generated mail is from such an address.
  if (response.body.find("@mail.") != std::string::npos) ++*found;
  return ms;
}

// Look-ups of a store that the intake measurement has filled.
Status MeasureLookups(const Settings& settings, const LoadTarget& target) {
  SeededRandom random(settings.Count("seed", 4) + 1);
  const std::size_t rounds = settings.Count("rounds", 50);
  const auto client = MakeClient();
  const auto recipient = [&] {
    return People::Address(static_cast<Rank>(40 + random.Below(400)));  // of some 100 events
  };
  const auto search = [](const std::string& query) {
    return "/api/v2/logs/events?filter%5Bfrom%5D=now-30d&page%5Blimit%5D=50&filter%5Bquery%5D=" +
           PercentEncode(query);
  };

  struct Question {
    std::string name;
    std::function<std::string()> path;
  };

  const std::vector<Question> questions = {
      {"answer for an address",
       [&] { return "/api/v2/postglass/answer?address=" + PercentEncode(recipient()); }},
      {"search for an address, newest 50",
       [&] { return search("@mail.destination:\"" + recipient() + "\""); }},
      {"search for a word of the message, newest 50", [&] { return search(recipient()); }},
      {"search for an address that is not there",
       [&] { return search("@mail.destination:" + random.Hex(8) + "@nowhere.example"); }},
      {"search for bounces, newest 50", [&] { return search("@eventType:Bounce"); }}};
  for (const Question& question : questions) {
    Latencies latency;
    int found = 0;
    const auto start = SteadyClock::now();
    while (latency.size() < rounds && SecondsSince(start) < 30) {
      ASSIGN_OR_RETURN(const double ms, TimedGet(*client, target, question.path(), &found));
      latency.Add(ms);
    }
    PrintLatency(question.name, latency);
    Print(question.name + ": found something",
          found * 100.0 / static_cast<double>(latency.size()),
          "%");
  }
  return {};
}

Status MeasureResident(const Settings&, const LoadTarget& target) {
  ASSIGN_OR_RETURN(const double bytes,
                   ReadMetric(*MakeClient(), target.http_url, "postglass_store_bytes"));
  Print("resident memory, idle", ResidentMegabytes(target.pid), "MB");
  Print("store on disk", bytes / 1e6, "MB");
  return {};
}

// From the moment the caller started the server (--started, nanoseconds since 1970) until /readyz
// says 200.
Status MeasureStart(const Settings& settings) {
  const double started_s = settings.Number("started", 0) / 1e9;
  const auto client = MakeClient();
  const auto start = SteadyClock::now();
  while (SecondsSince(start) < 120) {
    const auto target = ReadLoadTarget(settings.Text("data"), settings.Text("credentials"));
    if (target) {
      net::HttpClient::Request request;
      request.url = target->http_url + "/readyz";
      const auto response = client->Send(request);
      if (response && response->status == 200) {
        const double now_s = static_cast<double>(SystemClock().Now().nanos) / 1e9;
        Print("start until ready", (now_s - started_s) * 1000, "ms");
        return {};
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return Fail(ErrorCode::kTimeout, "the server was not ready within 120 s");
}

Status Measure(const Settings& settings) {
  if (settings.what == "fsync") return MeasureFsync(settings);
  if (settings.what == "start") return MeasureStart(settings);
  if (settings.what == "peer") return MeasurePeer(settings);
  ASSIGN_OR_RETURN(const LoadTarget target,
                   ReadLoadTarget(settings.Text("data"), settings.Text("credentials")));
  if (settings.what == "api") return MeasureApi(settings, target);
  if (settings.what == "smtp") return MeasureSmtp(settings, target);
  if (settings.what == "paced") return MeasurePaced(settings, target);
  if (settings.what == "intake") return MeasureIntake(settings, target);
  if (settings.what == "lookups") return MeasureLookups(settings, target);
  if (settings.what == "resident") return MeasureResident(settings, target);
  return Fail(ErrorCode::kInvalidArgument,
              "usage: chain_bench fsync|start|api|smtp|peer|paced|intake|lookups|resident --data "
              "DIR --credentials FILE …");
}

}  // namespace
}  // namespace postglass::bench

int main(int argc, char** argv) {
  postglass::bench::Settings settings;
  if (argc > 1) settings.what = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    settings.flags[std::string(argv[i]).substr(2)] = argv[i + 1];
  }
  const postglass::Status measured = postglass::bench::Measure(settings);
  if (measured) return 0;
  fmt::print(stderr, "chain_bench {}: {}\n", settings.what, measured.error().message);
  return 1;
}
