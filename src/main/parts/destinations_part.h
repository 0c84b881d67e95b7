#pragma once

#include <memory>

#include "cloudwatch/metric_store.h"
#include "mail/event_metrics.h"
#include "main/parts/part_context.h"
#include "streams/stream_service.h"

namespace postglass {

// Where events go beside topics: CloudWatch's metrics and Firehose's delivery streams.
struct DestinationsPart {
  static Result<std::unique_ptr<DestinationsPart>> Make(PartContext& context);

  void Start();
  void Stop();

  std::unique_ptr<cloudwatch::MetricStore> metric_store;
  std::unique_ptr<mail::EventMetrics> event_metrics;
  std::unique_ptr<streams::StreamService> streams;
};

}  // namespace postglass
