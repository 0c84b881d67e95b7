#include "main/status_log_writer.h"

#include <algorithm>

#include "base/log.h"

namespace postglass {

StatusLogWriter::StatusLogWriter(intake::Intake& intake, Metrics& metrics)
    : intake_(intake),
      dropped_(metrics.GetCounter("postglass_topics_status_dropped_total",
                                  "Delivery status entries of topics that were not kept")) {}

StatusLogWriter::~StatusLogWriter() { Stop(); }

void StatusLogWriter::Start() {
  thread_ = std::thread([this] { Run(); });
}

void StatusLogWriter::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyOne();
  if (thread_.joinable()) thread_.join();
}

void StatusLogWriter::Add(const std::string& group, std::vector<json::object> entries) {
  std::size_t dropped = 0;
  {
    MutexLock lock(mutex_);
    for (json::object& entry : entries) {
      if (queue_.size() < kQueuedMax) {
        queue_.push_back({group, std::move(entry)});
      } else {
        ++dropped;
      }
    }
  }
  if (dropped > 0) dropped_.Add(static_cast<double>(dropped));
  wake_.NotifyOne();
}

void StatusLogWriter::Run() {
  for (;;) {
    std::vector<Entry> batch;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.Wait(mutex_);
      if (queue_.empty()) return;
      const std::size_t count = std::min(queue_.size(), kBatchMax);
      for (std::size_t i = 0; i < count; ++i) {
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    Write(std::move(batch));
  }
}

void StatusLogWriter::Write(std::vector<Entry> batch) {
  const std::size_t count = batch.size();
  std::vector<pipelines::Log> logs;
  for (Entry& each : batch) {
    pipelines::Log log;
    log.message = json::Serialize(each.entry);
    log.status = json::GetStringOr(each.entry, "status", "") == "FAILURE" ? "error" : "info";
    log.source = "sns_delivery_status";
    log.service = "sns";
    each.entry["logGroup"] = each.group;
    log.attributes = std::move(each.entry);
    logs.push_back(std::move(log));
  }
  intake::Provenance provenance;
  provenance.door = intake::Door::kInternal;
  if (const auto stored = intake_.Ingest(std::move(logs), provenance); !stored) {
    dropped_.Add(static_cast<double>(count));
    log::Warn("topics", "delivery status not kept: {}", stored.error().message);
  }
}

}  // namespace postglass
