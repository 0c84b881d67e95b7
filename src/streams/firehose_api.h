#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "aws/service.h"
#include "base/json.h"
#include "streams/stream_service.h"

namespace postglass::streams {

// Amazon Data Firehose's API, JSON 1.1 (`X-Amz-Target: Firehose_20150804.…`). Which calls and
// fields: docs/compat/firehose.md. Thread-safe.
class FirehoseApi final : public aws::Service {
 public:
  // `streams` must outlive it.
  explicit FirehoseApi(StreamService& streams) : streams_(streams) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  using Reply = std::variant<json::object, aws::AwsError>;
  using Operation = Reply (FirehoseApi::*)(const json::object& input);

  struct NamedOperation {
    std::string_view name;
    Operation run;
  };

  static const NamedOperation kOperations[];
  static const NamedOperation* FindOperation(std::string_view name);

  Reply CreateDeliveryStream(const json::object& input);
  Reply DescribeDeliveryStream(const json::object& input);
  Reply ListDeliveryStreams(const json::object& input);
  Reply DeleteDeliveryStream(const json::object& input);
  Reply UpdateDestination(const json::object& input);
  Reply PutRecord(const json::object& input);
  Reply PutRecordBatch(const json::object& input);
  Reply TagDeliveryStream(const json::object& input);
  Reply UntagDeliveryStream(const json::object& input);
  Reply ListTagsForDeliveryStream(const json::object& input);

  struct StreamOrError {
    std::shared_ptr<const StreamConfig> stream;
    std::optional<aws::AwsError> error;
  };

  StreamOrError FindStream(const json::object& input) const;

  StreamService& streams_;
};

// The destination of CreateDeliveryStream's input, checked, as a stream without a name.
std::variant<StreamConfig, aws::AwsError> ReadStream(const json::object& input);
// The same of UpdateDestination's, which says only what changes of `now`.
std::variant<StreamConfig, aws::AwsError> ReadUpdate(const json::object& input,
                                                     const StreamConfig& now);

// Streams have one destination, and this is its id.
inline constexpr std::string_view kDestinationId = "destinationId-000000000001";

}  // namespace postglass::streams
