#include "queues/sqs_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "aws/query_protocol.h"

namespace postglass::queues {
namespace {

constexpr std::string_view kTargetPrefix = "AmazonSQS.";
constexpr std::string_view kNamespace = "http://queue.amazonaws.com/doc/2012-11-05/";
constexpr std::size_t kListMax = 1'000;  // members of one list; more are not looked at

// Lists of the query protocol and what JSON calls them.
struct ListName {
  std::string_view query;
  std::string_view json;
};

constexpr std::array<ListName, 6> kLists = {{
    {"AttributeName", "AttributeNames"},
    {"MessageAttributeName", "MessageAttributeNames"},
    {"MessageSystemAttributeName", "MessageSystemAttributeNames"},
    {"TagKey", "TagKeys"},
    {"AWSAccountId", "AWSAccountIds"},
    {"ActionName", "Actions"},
}};

constexpr std::array<std::string_view, 14> kScalars = {"QueueName",
                                                       "QueueUrl",
                                                       "QueueOwnerAWSAccountId",
                                                       "QueueNamePrefix",
                                                       "NextToken",
                                                       "MaxResults",
                                                       "MaxNumberOfMessages",
                                                       "WaitTimeSeconds",
                                                       "Label",
                                                       "SourceArn",
                                                       "DestinationArn",
                                                       "MaxNumberOfMessagesPerSecond",
                                                       "TaskHandle",
                                                       "ReceiveRequestAttemptId"};

// Scalars of a message, alone or in a batch.
constexpr std::array<std::string_view, 7> kEntryScalars = {"Id",
                                                           "MessageBody",
                                                           "DelaySeconds",
                                                           "ReceiptHandle",
                                                           "VisibilityTimeout",
                                                           "MessageGroupId",
                                                           "MessageDeduplicationId"};

// "MessageAttribute.N.Name/.Value.DataType/.Value.StringValue/.Value.BinaryValue".
json::object ReadMessageAttributes(const aws::QueryParams& params, const std::string& list) {
  json::object attributes;
  for (std::size_t i = 1; i <= kListMax; ++i) {
    const std::string entry = fmt::format("{}.{}", list, i);
    if (!params.HasPrefix(entry)) break;
    json::object value;
    for (const std::string_view field : {"DataType", "StringValue", "BinaryValue"}) {
      if (const auto text = params.Find(fmt::format("{}.Value.{}", entry, field))) {
        value[field] = *text;
      }
    }
    attributes[params.Get(entry + ".Name")] = std::move(value);
  }
  return attributes;
}

json::object ReadMap(const aws::QueryParams& params,
                     std::string_view list,
                     std::string_view key_name) {
  json::object map;
  for (std::size_t i = 1; i <= kListMax; ++i) {
    const std::string entry = fmt::format("{}.{}", list, i);
    if (!params.HasPrefix(entry)) break;
    map[params.Get(fmt::format("{}.{}", entry, key_name))] = params.Get(entry + ".Value");
  }
  return map;
}

void ReadEntry(const aws::QueryParams& params, const std::string& prefix, json::object& into) {
  for (const std::string_view name : kEntryScalars) {
    if (const auto text = params.Find(fmt::format("{}{}", prefix, name))) into[name] = *text;
  }
  for (const auto& [query, json_name] :
       {std::pair("MessageAttribute", "MessageAttributes"),
        std::pair("MessageSystemAttribute", "MessageSystemAttributes")}) {
    json::object attributes = ReadMessageAttributes(params, prefix + query);
    if (!attributes.empty()) into[json_name] = std::move(attributes);
  }
}

json::object ReadForm(const aws::QueryParams& params, std::string_view operation) {
  json::object input;
  for (const std::string_view name : kScalars) {
    if (const auto text = params.Find(name)) input[name] = *text;
  }
  ReadEntry(params, "", input);
  for (const ListName& list : kLists) {
    json::array items;
    for (std::size_t i = 1; i <= kListMax; ++i) {
      const auto text = params.Find(fmt::format("{}.{}", list.query, i));
      if (!text) break;
      items.emplace_back(*text);
    }
    if (!items.empty()) input[list.json] = std::move(items);
  }
  json::object attributes = ReadMap(params, "Attribute", "Name");
  if (!attributes.empty()) input["Attributes"] = std::move(attributes);
  json::object tags = ReadMap(params, "Tag", "Key");
  if (!tags.empty()) input[operation == "CreateQueue" ? "tags" : "Tags"] = std::move(tags);
  if (operation.ends_with("Batch")) {
    json::array entries;
    for (std::size_t i = 1; i <= kListMax; ++i) {
      const std::string prefix = fmt::format("{}RequestEntry.{}", operation, i);
      if (!params.HasPrefix(prefix)) break;
      json::object entry;
      ReadEntry(params, prefix + ".", entry);
      entries.push_back(std::move(entry));
    }
    input["Entries"] = std::move(entries);
  }
  return input;
}

// How a member of an output is spelled in XML: lists and maps are flattened.
struct XmlName {
  std::string_view json;
  std::string_view xml;
  std::string_view key;  // of maps: the element of the key; empty for lists
};

constexpr std::array<XmlName, 9> kXmlNames = {{
    {"QueueUrls", "QueueUrl", ""},
    {"queueUrls", "QueueUrl", ""},
    {"Messages", "Message", ""},
    {"Failed", "BatchResultErrorEntry", ""},
    {"Results", "ListMessageMoveTasksResultEntry", ""},
    {"Attributes", "Attribute", "Name"},
    {"MessageAttributes", "MessageAttribute", "Name"},
    {"Tags", "Tag", "Key"},
    {"Successful", "", ""},  // named after the operation
}};

std::string TextOf(const json::value& value) {
  if (const json::string* text = value.if_string()) return std::string(*text);
  return json::Serialize(value);
}

void AppendXml(aws::XmlWriter& xml, std::string_view operation, const json::object& output) {
  for (const auto& member : output) {
    const std::string_view name = member.key();
    const auto* known = std::find_if(
        kXmlNames.begin(), kXmlNames.end(), [name](const XmlName& x) { return x.json == name; });
    const std::string element = known == kXmlNames.end() ? std::string(name)
                                : known->xml.empty()     ? fmt::format("{}ResultEntry", operation)
                                                         : std::string(known->xml);
    if (const json::array* items = member.value().if_array()) {
      for (const json::value& item : *items) {
        if (const json::object* o = item.if_object()) {
          xml.Open(element);
          AppendXml(xml, operation, *o);
          xml.Close();
        } else {
          xml.Text(element, TextOf(item));
        }
      }
    } else if (const json::object* map = member.value().if_object()) {
      for (const auto& entry : *map) {
        xml.Open(element);
        xml.Text(known == kXmlNames.end() ? "Name" : known->key, entry.key());
        if (const json::object* o = entry.value().if_object()) {
          xml.Open("Value");
          AppendXml(xml, operation, *o);
          xml.Close();
        } else {
          xml.Text("Value", TextOf(entry.value()));
        }
        xml.Close();
      }
    } else {
      xml.Text(element, TextOf(member.value()));
    }
  }
}

net::HttpResponse JsonResponse(int status, std::string body, std::string_view request_id) {
  net::HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/x-amz-json-1.0");
  response.headers.Add("x-amzn-RequestId", std::string(request_id));
  response.body = std::move(body);
  return response;
}

}  // namespace

SqsProtocol SqsProtocolOf(const net::HttpRequest& request) {
  return request.headers.Find("X-Amz-Target") ? SqsProtocol::kJson : SqsProtocol::kQuery;
}

std::string SqsOperationOf(const net::HttpRequest& request) {
  if (const auto target = request.headers.Find("X-Amz-Target")) {
    if (!target->starts_with(kTargetPrefix)) return {};
    return std::string(target->substr(kTargetPrefix.size()));
  }
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request);
  return params ? std::string(params->action()) : std::string();
}

Result<SqsCall> ParseSqsCall(const net::HttpRequest& request) {
  SqsCall call;
  call.protocol = SqsProtocolOf(request);
  call.operation = SqsOperationOf(request);
  if (call.protocol == SqsProtocol::kJson) {
    if (!request.body.empty()) {
      ASSIGN_OR_RETURN(call.input, json::ParseObject(request.body));
    }
    return call;
  }
  ASSIGN_OR_RETURN(const aws::QueryParams params, aws::QueryParams::Parse(request));
  call.input = ReadForm(params, call.operation);
  // The URL of the queue may be where the request goes to.
  if (!call.input.contains("QueueUrl") && request.path() != "/") {
    call.input["QueueUrl"] = request.path();
  }
  return call;
}

net::HttpResponse SqsResponse(SqsProtocol protocol,
                              std::string_view operation,
                              const json::object& output,
                              std::string_view request_id) {
  if (protocol == SqsProtocol::kJson) {
    return JsonResponse(200, json::Serialize(output), request_id);
  }
  aws::XmlWriter xml;
  AppendXml(xml, operation, output);
  const bool nothing = output.empty() && operation != "ReceiveMessage";
  return aws::QueryResponse(kNamespace,
                            operation,
                            std::move(xml).Finish(),
                            request_id,
                            nothing ? aws::ResultElement::kNone : aws::ResultElement::kPresent);
}

std::string SqsQueryCode(std::string_view json_code) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOther = {{
      {"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"},
      {"QueueNameExists", "QueueAlreadyExists"},
      {"UnknownOperationException", "InvalidAction"},
      {"InvalidParameterValueException", "InvalidParameterValue"},
      {"MissingRequiredParameterException", "MissingParameter"},
      {"AccessDeniedException", "AccessDenied"},
  }};
  constexpr std::array<std::string_view, 8> kPrefixed = {"MessageNotInflight",
                                                         "EmptyBatchRequest",
                                                         "TooManyEntriesInBatchRequest",
                                                         "BatchEntryIdsNotDistinct",
                                                         "BatchRequestTooLong",
                                                         "InvalidBatchEntryId",
                                                         "PurgeQueueInProgress",
                                                         "UnsupportedOperation"};
  for (const auto& [json_name, query] : kOther) {
    if (json_name == json_code) return std::string(query);
  }
  if (std::find(kPrefixed.begin(), kPrefixed.end(), json_code) != kPrefixed.end()) {
    return fmt::format("AWS.SimpleQueueService.{}", json_code);
  }
  return std::string(json_code);
}

net::HttpResponse SqsErrorResponse(SqsProtocol protocol,
                                   const aws::AwsError& error,
                                   std::string_view request_id) {
  aws::AwsError named = error;
  named.code = SqsQueryCode(error.code);
  if (protocol == SqsProtocol::kQuery) {
    return aws::QueryErrorResponse(kNamespace, named, request_id);
  }
  net::HttpResponse response = JsonResponse(
      error.http_status,
      json::Serialize(json::object{{"__type", fmt::format("com.amazonaws.sqs#{}", error.code)},
                                   {"message", error.message}}),
      request_id);
  response.headers.Add(
      "x-amzn-query-error",
      fmt::format("{};{}", named.code, error.sender_fault ? "Sender" : "Receiver"));
  return response;
}

}  // namespace postglass::queues
