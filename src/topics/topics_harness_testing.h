#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/mutex.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"
#include "topics/sns_api.h"
#include "topics/topic_service.h"

namespace postglass::topics {

// Keeps what it was given; answers as told. Thread-safe.
class RecordingInvoker final : public functions::Invoker {
 public:
  using Result = functions::InvokeResult;

  std::vector<Result> InvokeFromSns(const std::string& function_arn,
                                    const std::string&,
                                    std::span<const functions::SnsRecord> records) override {
    MutexLock lock(mutex_);
    ++calls_;
    functions_.push_back(function_arn);
    std::vector<Result> results;
    for (const functions::SnsRecord& record : records) {
      Result result = answer_ ? answer_(record) : Result();
      if (result.outcome == Result::Outcome::kSucceeded) records_.push_back(record);
      results.push_back(std::move(result));
    }
    return results;
  }

  bool WantsSignature(const std::string&) const override { return wants_signature; }

  void Answer(std::function<Result(const functions::SnsRecord&)> answer) {
    MutexLock lock(mutex_);
    answer_ = std::move(answer);
  }

  void AnswerAlways(Result::Outcome outcome) {
    Answer([outcome](const functions::SnsRecord&) { return Result{outcome, "told so"}; });
  }

  std::vector<functions::SnsRecord> records() const {
    MutexLock lock(mutex_);
    return records_;
  }

  std::size_t calls() const {
    MutexLock lock(mutex_);
    return calls_;
  }

  bool wants_signature = false;

 private:
  mutable Mutex mutex_;
  std::function<Result(const functions::SnsRecord&)> answer_ GUARDED_BY(mutex_);
  std::vector<functions::SnsRecord> records_ GUARDED_BY(mutex_);
  std::vector<std::string> functions_ GUARDED_BY(mutex_);
  std::size_t calls_ GUARDED_BY(mutex_) = 0;
};

// A web server that is not there: keeps requests, answers 200 or what it was told.
class RecordingClient final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    MutexLock lock(mutex_);
    requests_.push_back(request);
    if (answers_.empty()) return net::HttpResponse{};
    const int status = answers_.front();
    if (answers_.size() > 1) answers_.pop_front();
    if (status == 0) return Fail(ErrorCode::kTimeout, "no answer within 15 s");
    net::HttpResponse response;
    response.status = status;
    return response;
  }

  // In this order, the last for ever; 0 is a time-out.
  void Answer(std::deque<int> statuses) {
    MutexLock lock(mutex_);
    answers_ = std::move(statuses);
  }

  std::vector<Request> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }

 private:
  mutable Mutex mutex_;
  std::deque<int> answers_ GUARDED_BY(mutex_);
  std::vector<Request> requests_ GUARDED_BY(mutex_);
};

// Keeps what is sent to each queue; refuses as told. Thread-safe.
class RecordingQueues final : public queues::QueueSender {
 public:
  Status SendFrom(std::string_view,
                  const std::string&,
                  const std::string& queue_arn,
                  std::vector<Item> items) override {
    MutexLock lock(mutex_);
    if (const auto at = refusals_.find(queue_arn); at != refusals_.end()) return Fail(at->second);
    for (Item& item : items) {
      items_.push_back(std::move(item));
      queues_.push_back(queue_arn);
    }
    return {};
  }

  void Refuse(const std::string& queue_arn, Error error) {
    MutexLock lock(mutex_);
    refusals_.insert_or_assign(queue_arn, std::move(error));
  }

  void Accept(const std::string& queue_arn) {
    MutexLock lock(mutex_);
    refusals_.erase(queue_arn);
  }

  std::vector<Item> items() const {
    MutexLock lock(mutex_);
    return items_;
  }

  std::vector<std::string> queues() const {
    MutexLock lock(mutex_);
    return queues_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, Error> refusals_ GUARDED_BY(mutex_);
  std::vector<Item> items_ GUARDED_BY(mutex_);
  std::vector<std::string> queues_ GUARDED_BY(mutex_);
};

// "v<version>:<what is signed>", so that a test reads what was signed.
class ReadableSigner final : public aws::SnsSigner {
 public:
  std::string Sign(std::string_view canonical, aws::SnsSignatureVersion version) const override {
    ++signatures;
    return "v" + std::to_string(static_cast<int>(version)) + ":" + std::string(canonical);
  }

  const std::string& certificate_pem() const override { return pem_; }

  const std::string& certificate_path() const override { return path_; }

  mutable std::atomic<int> signatures = 0;

 private:
  const std::string pem_ = "-----BEGIN CERTIFICATE-----";
  const std::string path_ = "/SimpleNotificationService-00112233445566778899aabbccddeeff.pem";
};

// A topic service on a disk in memory, with everything around it faked, and its SNS API. Restart()
// begins a new process on the same disk and configuration.
class TopicsHarness {
 public:
  explicit TopicsHarness(aws::Account account_in = {}) : account(std::move(account_in)) {
    Result<SecretBox> opened = SecretBox::Open(fs, random, "/secret.key");
    CHECK(opened.has_value());
    box = std::make_unique<SecretBox>(std::move(*opened));
    Start();
  }

  void Start() {
    Result<std::unique_ptr<TopicService>> created = TryStart();
    CHECK(created.has_value());
    service = std::move(*created);
    api = std::make_unique<SnsApi>(*service, clock, random);
  }

  Result<std::unique_ptr<TopicService>> TryStart() {
    return TopicService::Create(
        {settings, fs, clock, random, metrics, *box, client, invoker, queues, signer},
        {.dir = "/topics",
         .account = account,
         .public_url = [] { return std::string("https://localhost:8443"); },
         .status_log =
             [this](const std::string& group, std::vector<json::object> entries) {
               for (json::object& entry : entries) status.emplace_back(group, std::move(entry));
             },
         .file_bytes_max = file_bytes_max,
         .outbox = outbox_options});
  }

  void Restart() {
    api.reset();
    service.reset();
    Start();
  }

  // One signed call of "alice"; `form` is the body without the version.
  net::HttpResponse Call(const std::string& form) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
    request.body = form + "&Version=2010-03-31";
    return api->Handle({request, {"AKIA", "secret", "alice", {"*"}}, "request-id"});
  }

  net::HttpResponse Get(const std::string& query) {
    net::HttpRequest request;
    request.method = "GET";
    request.target = "/?" + query;
    aws::Credential nobody;
    nobody.allowed_actions.clear();
    return api->Handle({request, nobody, "request-id"});
  }

  std::string Arn(const std::string& topic) const {
    return "arn:aws:sns:" + account.region + ":" + account.account_id + ":" + topic;
  }

  // A topic with a function subscribed; the topic's ARN.
  std::string TopicWithFunction(const std::string& name = "mail-events") {
    CHECK(Call("Action=CreateTopic&Name=" + name).status == 200);
    CHECK(Call("Action=Subscribe&TopicArn=" + Arn(name) +
               "&Protocol=lambda&Endpoint=arn:aws:lambda:us-east-1:000000000000:function:forwarder")
              .status == 200);
    return Arn(name);
  }

  // Publishes as SES does and waits.
  Result<PublishOutcome> SesPublish(const std::string& topic_arn,
                                    const std::string& message,
                                    const std::string& key = {},
                                    const std::string& set = "default") {
    Mutex mutex;
    CondVar ready;
    std::optional<Result<PublishOutcome>> outcome;
    service->PublishAsync(
        {topic_arn,
         "Amazon SES Email Event Notification",
         message,
         "arn:aws:ses:" + account.region + ":" + account.account_id + ":configuration-set/" + set,
         key},
        [&](Result<PublishOutcome> result) {
          MutexLock lock(mutex);
          outcome = std::move(result);
          ready.NotifyAll();
        });
    MutexLock lock(mutex);
    while (!outcome) ready.Wait(mutex);
    return *outcome;
  }

  // The text between <tag> and </tag>, the first.
  static std::string Between(const std::string& xml, const std::string& tag) {
    const std::size_t from = xml.find("<" + tag + ">");
    if (from == std::string::npos) return {};
    const std::size_t begin = from + tag.size() + 2;
    return xml.substr(begin, xml.find("</" + tag + ">", begin) - begin);
  }

  double CounterValue(const std::string& name, Metrics::Labels labels = {}) {
    return metrics.GetCounter(name, "", labels).value();
  }

  aws::Account account;
  ManualClock clock;
  SeededRandom random{7};
  Metrics metrics;
  FaultyFileSystem fs;
  MemorySettings settings;
  RecordingClient client;
  RecordingInvoker invoker;
  RecordingQueues queues;
  std::vector<std::pair<std::string, json::object>> status;  // delivery status, by log group
  ReadableSigner signer;
  std::uint64_t file_bytes_max = 64u << 20;
  Outbox::Options outbox_options;
  std::unique_ptr<SecretBox> box;
  std::unique_ptr<TopicService> service;
  std::unique_ptr<SnsApi> api;
};

}  // namespace postglass::topics
