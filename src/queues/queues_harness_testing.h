#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"
#include "queues/queue_service.h"
#include "queues/sqs_api.h"

namespace postglass::queues {

// The queues on a disk in memory, and their API. Restart() begins a new process on the same disk
// and configuration. Nothing runs by itself: service->RunOnce().
class QueuesHarness {
 public:
  QueuesHarness() {
    Result<SecretBox> opened = SecretBox::Open(fs, random, "/secret.key");
    CHECK(opened.has_value());
    box = std::make_unique<SecretBox>(std::move(*opened));
    Start();
  }

  Result<std::unique_ptr<QueueService>> TryStart() {
    return QueueService::Create({settings, fs, clock, random, metrics, *box},
                                {.dir = "/queues",
                                 .account = {},
                                 .file_bytes_max = file_bytes_max,
                                 .store = store_options,
                                 .may_take = [this] { return may_take; }});
  }

  void Start() {
    Result<std::unique_ptr<QueueService>> created = TryStart();
    CHECK(created.has_value());
    service = std::move(*created);
    api = std::make_unique<SqsApi>(*service, clock);
  }

  void Restart() {
    api.reset();
    service.reset();
    Start();
  }

  static std::string Url(const std::string& name) {
    return "http://localhost:8080/000000000000/" + name;
  }

  static std::string Arn(const std::string& name) {
    return "arn:aws:sqs:us-east-1:000000000000:" + name;
  }

  // One signed call of "alice" in the JSON protocol; begun but not awaited.
  net::HttpResponse Begin(const std::string& operation, const json::object& input) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Host", "localhost:8080"},
                       {"Content-Type", "application/x-amz-json-1.0"},
                       {"X-Amz-Target", "AmazonSQS." + operation}};
    request.body = json::Serialize(input);
    return api->Handle({request, {"AKIA", "secret", "alice", {"*"}}, "request-id"});
  }

  net::HttpResponse Send(const std::string& operation, const json::object& input) {
    return net::AwaitAnswer(Begin(operation, input));
  }

  // Of a call that must succeed.
  json::object Call(const std::string& operation, const json::object& input) {
    const net::HttpResponse response = Send(operation, input);
    CHECK(response.status == 200);
    return *json::ParseObject(response.body);
  }

  // "Code: message" of a call that must fail, "" if it does not.
  std::string Error(const std::string& operation, const json::object& input) {
    const net::HttpResponse response = Send(operation, input);
    if (response.status == 200) return "";
    const json::object body = *json::ParseObject(response.body);
    std::string code = json::GetStringOr(body, "__type", "");
    code = code.substr(code.find('#') + 1);
    return code + ": " + json::GetStringOr(body, "message", "");
  }

  // The same in the query protocol.
  net::HttpResponse Query(const std::string& form, const std::string& target = "/") {
    net::HttpRequest request;
    request.method = "POST";
    request.target = target;
    request.headers = {{"Host", "localhost:8080"},
                       {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    request.body = form + "&Version=2012-11-05";
    return net::AwaitAnswer(
        api->Handle({request, {"AKIA", "secret", "alice", {"*"}}, "request-id"}));
  }

  void MakeQueue(const std::string& name, const json::object& attributes = {}) {
    Call("CreateQueue", {{"QueueName", name}, {"Attributes", attributes}});
  }

  void Put(const std::string& queue, const std::string& body) {
    Call("SendMessage", {{"QueueUrl", Url(queue)}, {"MessageBody", body}});
  }

  // Up to ten messages; body and receipt handle of each.
  std::vector<std::pair<std::string, std::string>> Take(const std::string& queue,
                                                        int visibility_seconds = 30) {
    const json::object output = Call("ReceiveMessage",
                                     {{"QueueUrl", Url(queue)},
                                      {"MaxNumberOfMessages", 10},
                                      {"VisibilityTimeout", visibility_seconds}});
    std::vector<std::pair<std::string, std::string>> taken;
    if (const json::array* messages = json::GetArray(output, "Messages")) {
      for (const json::value& message : *messages) {
        taken.emplace_back(json::GetStringOr(message.as_object(), "Body", ""),
                           json::GetStringOr(message.as_object(), "ReceiptHandle", ""));
      }
    }
    return taken;
  }

  std::vector<std::string> Bodies(const std::string& queue, int visibility_seconds = 30) {
    std::vector<std::string> bodies;
    for (const auto& [body, handle] : Take(queue, visibility_seconds)) bodies.push_back(body);
    return bodies;
  }

  std::string Attribute(const std::string& queue, const std::string& name) {
    const json::object output = Call(
        "GetQueueAttributes", {{"QueueUrl", Url(queue)}, {"AttributeNames", json::array{name}}});
    const json::object* shown = json::GetObject(output, "Attributes");
    return shown == nullptr ? "" : json::GetStringOr(*shown, name, "");
  }

  std::uint64_t file_bytes_max = 64u << 20;
  Status may_take;  // what the service hears when it asks
  MessageStore::Options store_options;
  FaultyFileSystem fs;
  ManualClock clock;
  SeededRandom random{7};
  MemorySettings settings;
  Metrics metrics;
  std::unique_ptr<SecretBox> box;
  std::unique_ptr<QueueService> service;
  std::unique_ptr<SqsApi> api;
};

}  // namespace postglass::queues
