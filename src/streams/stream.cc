#include "streams/stream.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"

namespace postglass::streams {
namespace {

constexpr std::string_view kCursor = "delivered";
constexpr std::chrono::milliseconds kFirstPause{1'000};   // [Firehose] doubles …
constexpr std::chrono::milliseconds kLastPause{120'000};  // … up to this
constexpr std::chrono::milliseconds kDiskPause{1'000};
constexpr std::size_t kRecordsMax = 10'000;  // [Firehose] of one request

}  // namespace

Stream::Stream(StreamConfig config,
               std::unique_ptr<journal::Journal> journal,
               const SecretBox& box,
               const Clock& clock,
               Metrics& metrics,
               const BatchDeliverer& deliverer)
    : config_(std::make_shared<const StreamConfig>(config)),
      journal_(std::move(journal)),
      box_(box),
      clock_(clock),
      deliverer_(deliverer),
      seal_context_("streams/" + config.uid),
      delivered_(metrics.GetCounter("postglass_streams_delivered_total",
                                    "Records of delivery streams that reached their destination")),
      failed_(metrics.GetCounter("postglass_streams_failed_total",
                                 "Records an endpoint did not take, written to files instead")),
      dropped_(metrics.GetCounter("postglass_streams_unreadable_total",
                                  "Records of delivery streams that could not be read again")) {}

Stream::~Stream() { Stop(); }

std::shared_ptr<const StreamConfig> Stream::config() const {
  MutexLock lock(mutex_);
  return config_;
}

void Stream::SetConfig(StreamConfig config) {
  MutexLock lock(mutex_);
  config_ = std::make_shared<const StreamConfig>(std::move(config));
}

void Stream::PutAsync(std::vector<std::string> records, std::function<void(Status)> done) {
  if (journal_->size_bytes() > kDiskBytesMax) {
    done(Fail(ErrorCode::kUnavailable, "too many records wait for delivery"));
    return;
  }
  std::vector<std::string> payloads;
  for (const std::string& record : records) payloads.push_back(box_.Seal(seal_context_, record));
  journal_->AppendAsync(std::move(payloads),
                        [done = std::move(done)](const Result<journal::Sequence>& first) {
                          done(first ? Status() : Status(Fail(first.error())));
                        });
}

journal::Sequence Stream::Cursor() const {
  const Result<journal::Sequence> saved = journal_->LoadCursor(kCursor);
  // What is before the first sequence was delivered and removed.
  return std::max(saved ? *saved : 0, journal_->first_sequence() - 1);
}

void Stream::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void Stream::Stop() {
  thread_.request_stop();
  wake_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

Status Stream::Gather(Gathered& gathered) {
  const std::shared_ptr<const StreamConfig> stream = config();
  if (!reader_) {
    ASSIGN_OR_RETURN(reader_, journal_->Read(Cursor()));
  }
  while (gathered.bytes < stream->buffer_bytes && gathered.batch.records.size() < kRecordsMax) {
    Result<std::optional<journal::Record>> record = reader_->Next();
    if (!record) {
      reader_.reset();
      return Fail(std::move(record.error()));
    }
    if (!*record) break;
    gathered.last = (*record)->sequence;
    if (gathered.batch.id.empty()) {
      gathered.batch.id = FormatUuid(
          Sha256(fmt::format("{}/{}", stream->uid, (*record)->sequence)).substr(0, 16), 5);
    }
    Result<std::string> plain = box_.Unseal(seal_context_, (*record)->payload);
    if (!plain) {
      dropped_.Add();
      log::Error("streams", "a record of {}: {}", stream->name, plain.error().message);
      continue;
    }
    gathered.bytes += plain->size();
    gathered.batch.records.push_back(std::move(*plain));
  }
  return {};
}

bool Stream::Pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  const std::chrono::nanoseconds until = clock_.Monotonic() + time;
  MutexLock lock(mutex_);
  while (!stop.stop_requested()) {
    const std::chrono::nanoseconds left = until - clock_.Monotonic();
    if (left.count() <= 0) return true;
    wake_.WaitFor(mutex_, std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(500)));
  }
  return false;
}

bool Stream::Keep(Gathered& gathered, bool failed) {
  const std::shared_ptr<const StreamConfig> stream = config();
  const Status written = deliverer_.WriteFile(*stream, gathered.batch, failed);
  if (!written) {
    log::Warn("streams", "{}: no file written: {}", stream->name, written.error().message);
    return false;
  }
  (failed ? failed_ : delivered_).Add(static_cast<double>(gathered.batch.records.size()));
  return true;
}

bool Stream::Deliver(Gathered& gathered, const std::stop_token& stop) {
  const std::shared_ptr<const StreamConfig> stream = config();
  if (gathered.batch.records.empty()) return true;
  if (!stream->endpoint) {
    while (!Keep(gathered, false)) {
      if (!Pause(kDiskPause, stop)) return false;
    }
    return true;
  }
  const std::chrono::nanoseconds began = clock_.Monotonic();
  std::chrono::milliseconds pause = kFirstPause;
  bool logged = false;
  while (true) {
    const BatchDeliverer::Outcome outcome = deliverer_.Post(*stream, gathered.batch);
    if (outcome.delivered) {
      delivered_.Add(static_cast<double>(gathered.batch.records.size()));
      return true;
    }
    if (!logged) log::Warn("streams", "{}: {}", stream->name, outcome.reason);
    logged = true;
    const bool over = !outcome.may_work_later ||
                      clock_.Monotonic() - began + pause > stream->endpoint->retry_duration;
    if (over && Keep(gathered, true)) {
      log::Warn("streams",
                "{}: {} records that the endpoint did not take are in a file",
                stream->name,
                gathered.batch.records.size());
      return true;
    }
    if (!Pause(pause, stop)) return false;
    pause = std::min(2 * pause, kLastPause);
  }
}

void Stream::Done(const Gathered& gathered) {
  if (gathered.last == 0) return;
  Status done = journal_->SaveCursor(kCursor, gathered.last);
  if (done) done = journal_->TrimBefore(gathered.last + 1);
  if (!done) log::Warn("streams", "delivered records stay: {}", done.error().message);
}

void Stream::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const journal::Sequence cursor = Cursor();
    if (!journal_->WaitFor(cursor, stop, std::chrono::milliseconds(500))) continue;
    const std::shared_ptr<const StreamConfig> stream = config();
    // Gathers from the first record on.
    const std::chrono::nanoseconds until = clock_.Monotonic() + stream->buffer_interval;
    Gathered gathered;
    Status read;
    while (true) {
      read = Gather(gathered);
      const bool full =
          gathered.bytes >= stream->buffer_bytes || gathered.batch.records.size() >= kRecordsMax;
      const std::chrono::nanoseconds left = until - clock_.Monotonic();
      if (!read || full || left.count() <= 0 || stop.stop_requested()) break;
      const auto nap = std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(500));
      journal_->WaitFor(std::max(gathered.last, cursor),
                        stop,
                        std::chrono::duration_cast<std::chrono::milliseconds>(nap) +
                            std::chrono::milliseconds(1));
    }
    if (!read) {
      log::Error("streams", "{}: {}", stream->name, read.error().message);
      if (!Pause(kDiskPause, stop)) return;
    }
    if (stop.stop_requested()) return;  // the next start gathers it again
    if (!Deliver(gathered, stop)) return;
    Done(gathered);
  }
}

void Stream::DeliverAll() {
  while (true) {
    Gathered gathered;
    if (!Gather(gathered) || gathered.last == 0) return;
    if (!Deliver(gathered, std::stop_token())) return;
    Done(gathered);
  }
}

}  // namespace postglass::streams
