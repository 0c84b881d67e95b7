#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "aws/service.h"
#include "base/clock.h"
#include "base/json.h"
#include "cloudwatch/metric_store.h"

namespace postglass::cloudwatch {

// Amazon CloudWatch's API as far as metrics go: PutMetricData, GetMetricData, GetMetricStatistics,
// ListMetrics; JSON 1.0 and query protocol. Which fields: docs/compat/cloudwatch.md. Thread-safe.
class CloudWatchApi final : public aws::Service {
 public:
  // The references must outlive it.
  CloudWatchApi(MetricStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  // The output as JSON, times as numbers of seconds under "…Timestamp(s)".
  using Reply = std::variant<json::object, aws::AwsError>;

  Reply Run(std::string_view operation, const json::object& input);
  Reply PutMetricData(const json::object& input);
  Reply GetMetricStatistics(const json::object& input);
  Reply GetMetricData(const json::object& input);
  Reply ListMetrics(const json::object& input);

  MetricStore& store_;
  const Clock& clock_;
};

}  // namespace postglass::cloudwatch
