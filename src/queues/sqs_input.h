#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "aws/service.h"
#include "base/json.h"
#include "base/result.h"
#include "queues/types.h"

// Reading of SQS's inputs, and its errors in its own words.

namespace postglass::queues {

aws::AwsError InvalidParameterValue(std::string message);
aws::AwsError MissingParameter(std::string_view name);
aws::AwsError QueueDoesNotExist();
aws::AwsError InvalidReceiptHandle(std::string_view handle);
aws::AwsError StorageError(const Error& error);

// A text; the query protocol knows nothing else, JSON has numbers as such.
std::optional<std::string> FindText(const json::object& input, std::string_view name);

// A whole number within the bounds when there is one. The error is in SQS's words.
struct NumberOrError {
  std::optional<std::int64_t> number;
  std::optional<aws::AwsError> error;
};

NumberOrError ReadNumber(const json::object& input,
                         std::string_view name,
                         std::int64_t min,
                         std::int64_t max);

std::vector<std::string> ReadTexts(const json::object& input, std::string_view name);
Attributes ReadTextMap(const json::object& input, std::string_view name);

// Body and attributes of SendMessage or of an entry of its batch. `bytes`: as SQS counts them.
struct MessageInput {
  Message message;
  std::optional<std::int64_t> delay_seconds;
  std::size_t bytes = 0;
};

std::variant<MessageInput, aws::AwsError> ReadMessage(const json::object& input,
                                                      std::size_t bytes_max);

// The entries of a batch call; ids checked. `what`: "SendMessageBatchRequestEntry" for the text.
std::variant<std::vector<const json::object*>, aws::AwsError> ReadEntries(const json::object& input,
                                                                          std::string_view what);

}  // namespace postglass::queues
