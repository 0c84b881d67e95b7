#pragma once

#include <string>
#include <string_view>

#include "aws/service.h"
#include "base/json.h"
#include "base/result.h"
#include "net/http.h"

// SQS's two wire protocols, made one: JSON 1.0 (`X-Amz-Target: AmazonSQS.…`), and the query
// protocol of older clients (form in, XML out). Operations see the JSON form of either.

namespace postglass::queues {

enum class SqsProtocol { kJson, kQuery };

struct SqsCall {
  SqsProtocol protocol = SqsProtocol::kJson;
  std::string operation;  // "SendMessage"; as the client says it
  json::object input;
};

SqsProtocol SqsProtocolOf(const net::HttpRequest& request);
// Only which operation it is; empty when it names none.
std::string SqsOperationOf(const net::HttpRequest& request);
// kInvalidArgument when the body is not what its protocol says.
Result<SqsCall> ParseSqsCall(const net::HttpRequest& request);

net::HttpResponse SqsResponse(SqsProtocol protocol,
                              std::string_view operation,
                              const json::object& output,
                              std::string_view request_id);
// `error.code` is the JSON protocol's name of it, "QueueDoesNotExist" say.
net::HttpResponse SqsErrorResponse(SqsProtocol protocol,
                                   const aws::AwsError& error,
                                   std::string_view request_id);
// What the query protocol calls it, "AWS.SimpleQueueService.NonExistentQueue" say.
std::string SqsQueryCode(std::string_view json_code);

}  // namespace postglass::queues
