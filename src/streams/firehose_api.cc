#include "streams/firehose_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/log.h"

namespace postglass::streams {
namespace {

constexpr std::string_view kTargetPrefix = "Firehose_20150804.";
constexpr std::size_t kRecordBytesMax = 1'024'000;  // [Firehose]
constexpr std::size_t kBatchRecordsMax = 500;       // [Firehose]
constexpr std::size_t kBatchBytesMax = 4u << 20;    // [Firehose]
constexpr std::size_t kTagsMax = 50;                // [Firehose]

aws::AwsError Invalid(std::string message) {
  return {400, "InvalidArgumentException", std::move(message)};
}

aws::AwsError Required(std::string_view at) {
  return {400,
          "ValidationException",
          fmt::format("1 validation error detected: Value null at '{}' failed to satisfy "
                      "constraint: Member must not be null",
                      at)};
}

aws::AwsError StorageError(const Error& error) {
  if (error.code == ErrorCode::kLimit) return {400, "LimitExceededException", error.message};
  log::Error("streams", "Firehose call failed: {}", error.message);
  return {503, "ServiceUnavailableException", "Slow down.", false};
}

net::HttpResponse JsonResponse(int status, const json::object& body, std::string_view request_id) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/x-amz-json-1.1");
  response.headers.Add("x-amzn-RequestId", std::string(request_id));
  response.body = json::Serialize(body);
  return response;
}

std::string OperationOf(const net::HttpRequest& request) {
  const std::string_view target = request.headers.Get("X-Amz-Target");
  return target.starts_with(kTargetPrefix) ? std::string(target.substr(kTargetPrefix.size()))
                                           : std::string();
}

bool IsStreamName(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

// The Data of a record.
std::variant<std::string, aws::AwsError> ReadRecord(const json::value* value) {
  const json::object* o = value == nullptr ? nullptr : value->if_object();
  const auto text = o == nullptr ? std::nullopt : json::GetString(*o, "Data");
  if (!text) return Required("record.data");
  std::optional<std::string> data = Base64Decode(*text);
  if (!data) return aws::AwsError{400, "SerializationException", "Data is not base64"};
  if (data->size() > kRecordBytesMax) {
    return aws::AwsError{
        400,
        "ValidationException",
        fmt::format("1 validation error detected: Value at 'record.data' failed to satisfy "
                    "constraint: Member must have length less than or equal to {}",
                    kRecordBytesMax)};
  }
  if (data->empty()) return Invalid("A record must not be empty");
  return *std::move(data);
}

std::variant<std::map<std::string, std::string>, aws::AwsError> ReadTags(
    const json::object& input) {
  std::map<std::string, std::string> tags;
  if (const json::array* list = json::GetArray(input, "Tags")) {
    for (const json::value& item : *list) {
      const json::object tag = item.is_object() ? item.get_object() : json::object();
      const std::string key = json::GetStringOr(tag, "Key", "");
      const std::string value = json::GetStringOr(tag, "Value", "");
      if (key.empty() || key.size() > 128 || value.size() > 256) {
        return Invalid("Tag keys are 1 to 128 characters long, values up to 256");
      }
      tags.insert_or_assign(key, value);
    }
  }
  return tags;
}

// Firehose's record ids are long and say nothing.
std::string NewRecordId(const StreamConfig& stream, std::string_view data, std::size_t index) {
  return HexEncode(Sha256(fmt::format("{}/{}/{}", stream.uid, index, HexEncode(Sha256(data)))));
}

}  // namespace

const FirehoseApi::NamedOperation FirehoseApi::kOperations[] = {
    {"CreateDeliveryStream", &FirehoseApi::CreateDeliveryStream},
    {"DescribeDeliveryStream", &FirehoseApi::DescribeDeliveryStream},
    {"ListDeliveryStreams", &FirehoseApi::ListDeliveryStreams},
    {"DeleteDeliveryStream", &FirehoseApi::DeleteDeliveryStream},
    {"UpdateDestination", &FirehoseApi::UpdateDestination},
    {"PutRecord", &FirehoseApi::PutRecord},
    {"PutRecordBatch", &FirehoseApi::PutRecordBatch},
    {"TagDeliveryStream", &FirehoseApi::TagDeliveryStream},
    {"UntagDeliveryStream", &FirehoseApi::UntagDeliveryStream},
    {"ListTagsForDeliveryStream", &FirehoseApi::ListTagsForDeliveryStream},
};

const FirehoseApi::NamedOperation* FirehoseApi::FindOperation(std::string_view name) {
  for (const NamedOperation& operation : kOperations) {
    if (operation.name == name) return &operation;
  }
  return nullptr;
}

net::HttpResponse FirehoseApi::Handle(const aws::ServiceRequest& request) {
  const NamedOperation* operation = FindOperation(OperationOf(request.http));
  if (operation == nullptr) {
    return RenderError(request, {400, "UnknownOperationException", "The operation is not known"});
  }
  const Result<json::object> input = json::ParseObject(request.http.body);
  if (!input) return RenderError(request, {400, "SerializationException", input.error().message});
  const Reply reply = (this->*operation->run)(*input);
  if (const auto* error = std::get_if<aws::AwsError>(&reply)) return RenderError(request, *error);
  return JsonResponse(200, std::get<json::object>(reply), request.request_id);
}

net::HttpResponse FirehoseApi::RenderError(const aws::ServiceRequest& request,
                                           const aws::AwsError& error) {
  const std::string code =
      error.code == "AccessDenied" ? std::string("AccessDeniedException") : error.code;
  return JsonResponse(
      error.http_status, {{"__type", code}, {"message", error.message}}, request.request_id);
}

std::string FirehoseApi::ActionOf(const net::HttpRequest& request) const {
  const std::string operation = OperationOf(request);
  return FindOperation(operation) == nullptr ? "" : "firehose:" + operation;
}

FirehoseApi::StreamOrError FirehoseApi::FindStream(const json::object& input) const {
  const std::string name = json::GetStringOr(input, "DeliveryStreamName", "");
  if (name.empty()) return {nullptr, Required("deliveryStreamName")};
  std::shared_ptr<const StreamConfig> stream = streams_.Find(name);
  if (!stream) {
    return {nullptr,
            aws::AwsError{400,
                          "ResourceNotFoundException",
                          fmt::format("Firehose {} under account {} not found.",
                                      name,
                                      streams_.account().account_id)}};
  }
  return {std::move(stream), std::nullopt};
}

FirehoseApi::Reply FirehoseApi::CreateDeliveryStream(const json::object& input) {
  const std::string name = json::GetStringOr(input, "DeliveryStreamName", "");
  if (!IsStreamName(name)) {
    return aws::AwsError{400,
                         "ValidationException",
                         fmt::format("1 validation error detected: Value '{}' at "
                                     "'deliveryStreamName' failed to satisfy constraint: Member "
                                     "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
                                     name)};
  }
  const std::string type = json::GetStringOr(input, "DeliveryStreamType", "DirectPut");
  if (type != "DirectPut") return Invalid("DeliveryStreamType must be DirectPut here");
  auto read = ReadStream(input);
  if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  auto& config = std::get<StreamConfig>(read);
  config.name = name;
  auto tags = ReadTags(input);
  if (auto* error = std::get_if<aws::AwsError>(&tags)) return *error;
  config.tags = std::get<0>(std::move(tags));
  const Status made = streams_.CreateStream(std::move(config));
  if (!made && made.error().code == ErrorCode::kAlreadyExists) {
    return aws::AwsError{400, "ResourceInUseException", made.error().message};
  }
  if (!made) return StorageError(made.error());
  const std::shared_ptr<const StreamConfig> stream = streams_.Find(name);
  return json::object{{"DeliveryStreamARN", stream ? stream->arn : ""}};
}

FirehoseApi::Reply FirehoseApi::DescribeDeliveryStream(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  const StreamConfig& stream = *found.stream;
  json::object destination = stream.description;
  destination["DestinationId"] = kDestinationId;
  return json::object{
      {"DeliveryStreamDescription",
       json::object{
           {"DeliveryStreamName", stream.name},
           {"DeliveryStreamARN", stream.arn},
           {"DeliveryStreamStatus", "ACTIVE"},
           {"DeliveryStreamEncryptionConfiguration", json::object{{"Status", "DISABLED"}}},
           {"DeliveryStreamType", "DirectPut"},
           {"VersionId", std::to_string(stream.version)},
           {"CreateTimestamp", static_cast<double>(stream.created_at.millis()) / 1'000},
           {"LastUpdateTimestamp", static_cast<double>(stream.updated_at.millis()) / 1'000},
           {"Destinations", json::array{std::move(destination)}},
           {"HasMoreDestinations", false}}}};
}

FirehoseApi::Reply FirehoseApi::ListDeliveryStreams(const json::object& input) {
  const std::int64_t limit = json::GetInt(input, "Limit").value_or(10);
  if (limit < 1 || limit > 10'000) return Invalid("Limit must be from 1 to 10000");
  const std::string after = json::GetStringOr(input, "ExclusiveStartDeliveryStreamName", "");
  json::array names;
  bool more = false;
  for (const auto& stream : streams_.List()) {
    if (!after.empty() && stream->name <= after) continue;
    if (names.size() == static_cast<std::size_t>(limit)) {
      more = true;
      break;
    }
    names.emplace_back(stream->name);
  }
  return json::object{{"DeliveryStreamNames", std::move(names)}, {"HasMoreDeliveryStreams", more}};
}

FirehoseApi::Reply FirehoseApi::DeleteDeliveryStream(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  const Status gone = streams_.DeleteStream(found.stream->name);
  if (!gone && gone.error().code != ErrorCode::kNotFound) return StorageError(gone.error());
  return json::object();
}

FirehoseApi::Reply FirehoseApi::UpdateDestination(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  const std::string version = json::GetStringOr(input, "CurrentDeliveryStreamVersionId", "");
  if (version.empty()) return Required("currentDeliveryStreamVersionId");
  const std::string id = json::GetStringOr(input, "DestinationId", "");
  if (id.empty()) return Required("destinationId");
  if (id != kDestinationId) return Invalid(fmt::format("Destination Id {} not found", id));
  const aws::AwsError changed{
      400,
      "ConcurrentModificationException",
      fmt::format("Cannot update firehose: {} since the current version id: {} and specified "
                  "version id: {} do not match",
                  found.stream->name,
                  found.stream->version,
                  version)};
  if (version != std::to_string(found.stream->version)) return changed;
  auto read = ReadUpdate(input, *found.stream);
  if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  const Status stored = streams_.SetDestination(
      found.stream->name, found.stream->version, std::get<StreamConfig>(std::move(read)));
  if (!stored && stored.error().code == ErrorCode::kUnavailable) return changed;
  if (!stored) return StorageError(stored.error());
  return json::object();
}

FirehoseApi::Reply FirehoseApi::PutRecord(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  auto record = ReadRecord(input.if_contains("Record"));
  if (auto* error = std::get_if<aws::AwsError>(&record)) return *error;
  std::vector<std::string> records;
  records.push_back(std::get<std::string>(std::move(record)));
  const std::string id = NewRecordId(*found.stream, records[0], 0);
  const Status stored = streams_.Put(found.stream->name, std::move(records));
  if (!stored) return StorageError(stored.error());
  return json::object{{"RecordId", id}, {"Encrypted", false}};
}

// All records become durable together: none fails by itself.
FirehoseApi::Reply FirehoseApi::PutRecordBatch(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  const json::array* list = json::GetArray(input, "Records");
  if (list == nullptr || list->empty()) return Required("records");
  if (list->size() > kBatchRecordsMax) {
    return aws::AwsError{
        400,
        "ValidationException",
        fmt::format("1 validation error detected: Value at 'records' failed to satisfy "
                    "constraint: Member must have length less than or equal to {}",
                    kBatchRecordsMax)};
  }
  std::vector<std::string> records;
  json::array responses;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto record = ReadRecord(&(*list)[i]);
    if (auto* error = std::get_if<aws::AwsError>(&record)) return *error;
    records.push_back(std::get<std::string>(std::move(record)));
    bytes += records.back().size();
    responses.push_back(json::object{{"RecordId", NewRecordId(*found.stream, records.back(), i)}});
  }
  if (bytes > kBatchBytesMax) {
    return Invalid(fmt::format("The records are {} bytes, {} are the most", bytes, kBatchBytesMax));
  }
  const Status stored = streams_.Put(found.stream->name, std::move(records));
  if (!stored) return StorageError(stored.error());
  return json::object{
      {"FailedPutCount", 0}, {"Encrypted", false}, {"RequestResponses", std::move(responses)}};
}

FirehoseApi::Reply FirehoseApi::TagDeliveryStream(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  auto read = ReadTags(input);
  if (auto* error = std::get_if<aws::AwsError>(&read)) return *error;
  std::map<std::string, std::string> tags = found.stream->tags;
  for (const auto& [key, value] : std::get<0>(read)) tags.insert_or_assign(key, value);
  if (tags.size() > kTagsMax) {
    return aws::AwsError{400, "LimitExceededException", "A stream has at most 50 tags"};
  }
  const Status stored = streams_.SetTags(found.stream->name, std::move(tags));
  if (!stored) return StorageError(stored.error());
  return json::object();
}

FirehoseApi::Reply FirehoseApi::UntagDeliveryStream(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  std::map<std::string, std::string> tags = found.stream->tags;
  if (const json::array* keys = json::GetArray(input, "TagKeys")) {
    for (const json::value& key : *keys) {
      if (key.is_string()) tags.erase(std::string(key.get_string()));
    }
  }
  const Status stored = streams_.SetTags(found.stream->name, std::move(tags));
  if (!stored) return StorageError(stored.error());
  return json::object();
}

FirehoseApi::Reply FirehoseApi::ListTagsForDeliveryStream(const json::object& input) {
  const StreamOrError found = FindStream(input);
  if (found.error) return *found.error;
  json::array tags;
  for (const auto& [key, value] : found.stream->tags) {
    tags.push_back(json::object{{"Key", key}, {"Value", value}});
  }
  return json::object{{"Tags", std::move(tags)}, {"HasMoreTags", false}};
}

}  // namespace postglass::streams
