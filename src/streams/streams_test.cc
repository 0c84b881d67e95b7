#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "base/clock_testing.h"
#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"
#include "base/time_format.h"
#include "streams/file_keeper.h"
#include "streams/firehose_api.h"
#include "streams/stream_service.h"

namespace postglass::streams {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// An endpoint that is not there: keeps requests, answers as Firehose wants it or as told.
class FakeEndpoint final : public net::HttpClient {
 public:
  Result<net::HttpResponse> Send(const Request& request) override {
    MutexLock lock(mutex_);
    requests_.push_back(request);
    net::HttpResponse response;
    if (!statuses_.empty()) {
      response.status = statuses_.front();
      if (statuses_.size() > 1) statuses_.pop_front();
    }
    std::string body = request.body;
    if (request.headers.Get("Content-Encoding") == "gzip") {
      body = *net::DecodeContent("gzip", body, 1 << 20);
    }
    const json::object o = *json::ParseObject(body);
    response.body = json::Serialize(
        json::object{{"requestId", wrong_id ? "x" : o.at("requestId")}, {"timestamp", 1}});
    return response;
  }

  void Answer(std::deque<int> statuses) {
    MutexLock lock(mutex_);
    statuses_ = std::move(statuses);
  }

  std::vector<Request> requests() const {
    MutexLock lock(mutex_);
    return requests_;
  }

  std::atomic<bool> wrong_id = false;

 private:
  mutable Mutex mutex_;
  std::vector<Request> requests_ GUARDED_BY(mutex_);
  std::deque<int> statuses_ GUARDED_BY(mutex_);
};

// Goes on by itself while somebody waits, so that retries pass.
class HastyClock final : public Clock {
 public:
  Timestamp Now() const override { return Timestamp::FromMillis(1'800'000'000'000); }

  std::chrono::nanoseconds Monotonic() const override {
    return std::chrono::nanoseconds(now_ += 10'000'000'000);
  }

 private:
  mutable std::atomic<std::int64_t> now_ = 1;
};

class StreamsTest : public testing::Test {
 protected:
  StreamsTest() : box_(*SecretBox::Open(fs_, random_, "/secret.key")) { Start(); }

  void Start() {
    api_.reset();
    service_.reset();
    service_ = *StreamService::Create(
        {settings_, fs_, clock_, random_, metrics_, box_, endpoint_},
        {.dir = "/streams", .files = "/files", .account = {}, .may_take = [this] {
           return may_take_;
         }});
    api_ = std::make_unique<FirehoseApi>(*service_);
  }

  net::HttpResponse Send(const std::string& operation, const json::object& input) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = "/";
    request.headers = {{"X-Amz-Target", "Firehose_20150804." + operation}};
    request.body = json::Serialize(input);
    return api_->Handle({request, {}, "id"});
  }

  json::object Call(const std::string& operation, const json::object& input) {
    const net::HttpResponse response = Send(operation, input);
    EXPECT_EQ(response.status, 200) << response.body;
    return *json::ParseObject(response.body);
  }

  std::string Error(const std::string& operation, const json::object& input) {
    const net::HttpResponse response = Send(operation, input);
    if (response.status == 200) return "";
    const json::object body = *json::ParseObject(response.body);
    return json::GetStringOr(body, "__type", "") + ": " + json::GetStringOr(body, "message", "");
  }

  static json::object ToEndpoint(const std::string& coding = "NONE") {
    return {
        {"DeliveryStreamName", "s"},
        {"HttpEndpointDestinationConfiguration",
         json::object{
             {"EndpointConfiguration",
              json::object{{"Url", "https://endpoint.example/in"}, {"AccessKey", "key"}}},
             {"RequestConfiguration",
              json::object{
                  {"ContentEncoding", coding},
                  {"CommonAttributes",
                   json::array{json::object{{"AttributeName", "a"}, {"AttributeValue", "b"}}}}}},
             {"RetryOptions", json::object{{"DurationInSeconds", 60}}},
             {"S3Configuration",
              json::object{{"BucketARN", "arn:aws:s3:::backup-bucket"}, {"Prefix", "p/"}}}}}};
  }

  void Put(const std::string& data, const std::string& stream = "s") {
    Call("PutRecord",
         {{"DeliveryStreamName", stream}, {"Record", json::object{{"Data", Base64Encode(data)}}}});
  }

  // All files below `directory`, path and content.
  void Collect(const Path& directory, std::map<std::string, std::string>& files) const {
    const auto names = fs_.List(directory);
    if (!names) return;
    for (const std::string& name : *names) {
      const Path path = directory / name;
      if (fs_.FileSize(path)) {
        files[path.string()] = *fs_.ReadFile(path);
      } else {
        Collect(path, files);
      }
    }
  }

  static std::vector<std::string> DataOf(const net::HttpClient::Request& request) {
    std::vector<std::string> data;
    const json::object body = *json::ParseObject(request.body);
    for (const json::value& record : body.at("records").as_array()) {
      data.push_back(*Base64Decode(record.at("data").as_string()));
    }
    return data;
  }

  FaultyFileSystem fs_;
  SeededRandom random_{5};
  HastyClock clock_;
  MemorySettings settings_;
  Metrics metrics_;
  Status may_take_;  // what the service hears when it asks
  SecretBox box_;
  FakeEndpoint endpoint_;
  std::unique_ptr<StreamService> service_;
  std::unique_ptr<FirehoseApi> api_;
};

TEST_F(StreamsTest, DestinationsAreUpdatedInPart) {
  Call("CreateDeliveryStream", ToEndpoint());
  const auto update = [](const json::object& change, std::string_view version) {
    return json::object{{"DeliveryStreamName", "s"},
                        {"CurrentDeliveryStreamVersionId", version},
                        {"DestinationId", kDestinationId},
                        {"HttpEndpointDestinationUpdate", change}};
  };
  const json::object faster{{"BufferingHints", json::object{{"IntervalInSeconds", 1}}},
                            {"RequestConfiguration", json::object{{"ContentEncoding", "GZIP"}}}};
  EXPECT_EQ(Error("UpdateDestination", update(faster, "1")), "");
  EXPECT_THAT(Error("UpdateDestination", update(faster, "1")),
              StartsWith("ConcurrentModificationException"));
  const auto check = [&] {
    const auto stream = service_->Find("s");
    EXPECT_EQ(stream->version, 2);
    EXPECT_EQ(stream->buffer_interval.count(), 1);
    EXPECT_TRUE(stream->gzip);
    EXPECT_EQ(stream->endpoint->url, "https://endpoint.example/in");
    EXPECT_EQ(stream->endpoint->access_key, "key");
    const json::object shown = Call("DescribeDeliveryStream", {{"DeliveryStreamName", "s"}});
    EXPECT_EQ(json::FindPath(shown, "DeliveryStreamDescription.VersionId")->as_string(), "2");
    EXPECT_THAT(json::Serialize(shown), Not(HasSubstr("\"AccessKey\"")));
  };
  check();
  Start();
  check();
  EXPECT_EQ(
      Error("UpdateDestination",
            update({{"EndpointConfiguration",
                     json::object{{"Url", "https://other.example/in"}, {"AccessKey", "second"}}}},
                   "2")),
      "");
  EXPECT_EQ(service_->Find("s")->endpoint->url, "https://other.example/in");
  EXPECT_EQ(service_->Find("s")->endpoint->access_key, "second");

  EXPECT_THAT(Error("UpdateDestination",
                    update({{"EndpointConfiguration", json::object{{"Url", "nowhere"}}}}, "3")),
              StartsWith("InvalidArgumentException"));
  EXPECT_THAT(Error("UpdateDestination", update({{"EndpointConfiguration", 7}}, "3")),
              StartsWith("InvalidArgumentException"));
  json::object other = update({}, "3");
  other.erase("HttpEndpointDestinationUpdate");
  other["ExtendedS3DestinationUpdate"] = json::object();
  EXPECT_THAT(Error("UpdateDestination", other), StartsWith("InvalidArgumentException"));
  EXPECT_THAT(Error("UpdateDestination", {{"DeliveryStreamName", "s"}}),
              StartsWith("ValidationException"));
  EXPECT_THAT(Error("UpdateDestination", {{"DeliveryStreamName", "absent"}}),
              StartsWith("ResourceNotFoundException"));
}

TEST(FileKeeper, RemovesWhatIsTooOldOrTooMuchAndNothingElse) {
  FaultyFileSystem fs;
  ManualClock clock(*ParseIso8601("2026-11-25T14:00:00Z"));
  Metrics metrics;
  FileKeeper keeper(
      fs, clock, metrics, "/files", {.age_max = std::chrono::hours(24), .bytes_max = 25});
  const auto write = [&fs](const Path& path) {
    EXPECT_TRUE(fs.CreateDirectories(path.parent_path()));
    EXPECT_TRUE(fs.WriteFileAtomically(path, "0123456789"));
  };
  const std::string id = "-01234567-89ab-4cde-8f01-23456789abcd";
  const Path old = "/files/b/p/2026/11/24/13/s-1-2026-11-24T13_59_59" + id;
  const Path first = "/files/b/p/2026/11/25/12/s-1-2026-11-25T12_00_00" + id + ".gz";
  const Path second = "/files/b/p/2026/11/25/13/s-1-2026-11-25T13_00_00" + id;
  const Path third = "/files/c/2026/11/25/13/s-1-2026-11-25T13_30_00" + id;
  const Path foreign = "/files/b/notes-2020.txt";
  for (const Path& path : {old, first, second, foreign}) write(path);
  keeper.SweepIfDue();
  EXPECT_FALSE(fs.Exists(old));
  EXPECT_FALSE(fs.List("/files/b/p/2026/11/24"));
  for (const Path& path : {first, second, foreign}) EXPECT_TRUE(fs.Exists(path)) << path;

  write(third);
  keeper.SweepIfDue();  // not due
  EXPECT_TRUE(fs.Exists(first));
  clock.Advance(FileKeeper::kEvery);
  keeper.SweepIfDue();
  EXPECT_FALSE(fs.Exists(first));
  for (const Path& path : {second, third, foreign}) EXPECT_TRUE(fs.Exists(path)) << path;
  EXPECT_EQ(metrics.GetCounter("postglass_streams_files_removed_total", "").value(), 2);
}

TEST_F(StreamsTest, CallersRecordsAreRefusedWhenTheDiskIsTooFull) {
  Call("CreateDeliveryStream", ToEndpoint());
  const json::object record{{"DeliveryStreamName", "s"},
                            {"Record", json::object{{"Data", Base64Encode("x")}}}};
  may_take_ = Fail(ErrorCode::kDiskFull, "92 % full");
  EXPECT_THAT(Error("PutRecord", record), StartsWith("ServiceUnavailableException"));
  may_take_ = {};
  EXPECT_EQ(Error("PutRecord", record), "");
}

TEST_F(StreamsTest, RecordsReachTheEndpointInFirehosesForm) {
  const std::string arn =
      json::GetStringOr(Call("CreateDeliveryStream", ToEndpoint()), "DeliveryStreamARN", "");
  EXPECT_EQ(arn, "arn:aws:firehose:us-east-1:000000000000:deliverystream/s");
  Put("one\n");
  Call("PutRecordBatch",
       {{"DeliveryStreamName", "s"},
        {"Records",
         json::array{json::object{{"Data", Base64Encode("two\n")}},
                     json::object{{"Data", Base64Encode("three\n")}}}}});
  Start();  // they are durable
  service_->DeliverAll();
  ASSERT_EQ(endpoint_.requests().size(), 1U);
  const net::HttpClient::Request request = endpoint_.requests()[0];
  EXPECT_THAT(DataOf(request), ElementsAre("one\n", "two\n", "three\n"));
  EXPECT_EQ(request.headers.Get("X-Amz-Firehose-Protocol-Version"), "1.0");
  EXPECT_EQ(request.headers.Get("X-Amz-Firehose-Access-Key"), "key");
  EXPECT_EQ(request.headers.Get("X-Amz-Firehose-Source-Arn"), arn);
  EXPECT_EQ(request.headers.Get("X-Amz-Firehose-Common-Attributes"),
            R"({"commonAttributes":{"a":"b"}})");
  EXPECT_EQ(request.headers.Get("X-Amz-Firehose-Request-Id"),
            json::GetStringOr(*json::ParseObject(request.body), "requestId", ""));
  EXPECT_TRUE(request.deny_link_local_addresses);
  service_->DeliverAll();
  Start();
  service_->DeliverAll();
  EXPECT_EQ(endpoint_.requests().size(), 1U);
}

TEST_F(StreamsTest, FailedRequestsAreMadeAgainUnderTheSameId) {
  Call("CreateDeliveryStream", ToEndpoint("GZIP"));
  Put("x");
  endpoint_.Answer({500, 302, 200});
  service_->DeliverAll();
  ASSERT_EQ(endpoint_.requests().size(), 3U);
  EXPECT_EQ(endpoint_.requests()[0].headers.Get("X-Amz-Firehose-Request-Id"),
            endpoint_.requests()[2].headers.Get("X-Amz-Firehose-Request-Id"));
  EXPECT_EQ(endpoint_.requests()[0].headers.Get("Content-Encoding"), "gzip");
}

TEST_F(StreamsTest, WhatTheEndpointNeverTakesIsInAFile) {
  Call("CreateDeliveryStream", ToEndpoint());
  Put("lost?");
  endpoint_.wrong_id = true;  // a 200 that is none
  service_->DeliverAll();
  endpoint_.wrong_id = false;
  EXPECT_GT(endpoint_.requests().size(), 1U);
  const std::size_t before = endpoint_.requests().size();
  Put("too large");
  endpoint_.Answer({413});
  service_->DeliverAll();
  EXPECT_EQ(endpoint_.requests().size(), before + 1);
  std::map<std::string, std::string> files;
  Collect("/files", files);
  ASSERT_EQ(files.size(), 2U);
  for (const auto& [path, content] : files) {
    EXPECT_THAT(path, StartsWith("/files/backup-bucket/p/http-endpoint-failed/2027/01/15/08/s-1-"));
    EXPECT_TRUE(content == "lost?" || content == "too large") << content;
  }
}

TEST_F(StreamsTest, FilesStandForBuckets) {
  Call("CreateDeliveryStream",
       {{"DeliveryStreamName", "s"},
        {"ExtendedS3DestinationConfiguration",
         json::object{{"BucketARN", "arn:aws:s3:::events"},
                      {"Prefix", "../..//mail/./"},
                      {"BufferingHints", json::object{{"SizeInMBs", 1}}}}}});
  Put("a\n");
  Put("b\n");
  service_->DeliverAll();
  std::map<std::string, std::string> files;
  Collect("/files", files);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(files.begin()->first, StartsWith("/files/events/mail/2027/01/15/08/s-1-"));
  EXPECT_EQ(files.begin()->second, "a\nb\n");
}

TEST_F(StreamsTest, StreamsAreDescribedListedTaggedAndDeleted) {
  Call("CreateDeliveryStream", ToEndpoint());
  EXPECT_THAT(Error("CreateDeliveryStream", ToEndpoint()), StartsWith("ResourceInUseException"));
  const std::string described = Send("DescribeDeliveryStream", {{"DeliveryStreamName", "s"}}).body;
  EXPECT_THAT(described, HasSubstr(R"("DeliveryStreamStatus":"ACTIVE")"));
  EXPECT_THAT(described, HasSubstr(R"("Url":"https://endpoint.example/in")"));
  EXPECT_THAT(described, Not(HasSubstr("AccessKey")));
  json::object second = ToEndpoint();
  second["DeliveryStreamName"] = "t";
  Call("CreateDeliveryStream", second);
  const json::object page = Call("ListDeliveryStreams", {{"Limit", 1}});
  EXPECT_EQ(json::Serialize(page),
            R"({"DeliveryStreamNames":["s"],"HasMoreDeliveryStreams":true})");
  EXPECT_EQ(
      json::Serialize(Call("ListDeliveryStreams", {{"ExclusiveStartDeliveryStreamName", "s"}})),
      R"({"DeliveryStreamNames":["t"],"HasMoreDeliveryStreams":false})");
  Call("TagDeliveryStream",
       {{"DeliveryStreamName", "s"},
        {"Tags", json::array{json::object{{"Key", "owner"}, {"Value", "mail"}}}}});
  Start();
  EXPECT_EQ(json::Serialize(Call("ListTagsForDeliveryStream", {{"DeliveryStreamName", "s"}})),
            R"({"Tags":[{"Key":"owner","Value":"mail"}],"HasMoreTags":false})");
  Call("DeleteDeliveryStream", {{"DeliveryStreamName", "s"}});
  EXPECT_THAT(Error("DescribeDeliveryStream", {{"DeliveryStreamName", "s"}}),
              StartsWith("ResourceNotFoundException"));
  EXPECT_FALSE(service_->CheckStream("arn:aws:firehose:us-east-1:000000000000:deliverystream/s"));
  EXPECT_TRUE(service_->CheckStream("arn:aws:firehose:us-east-1:000000000000:deliverystream/t"));
}

TEST_F(StreamsTest, BadInputIsRefused) {
  Call("CreateDeliveryStream", ToEndpoint());
  json::object bad = ToEndpoint();
  bad["DeliveryStreamName"] = "a b";
  EXPECT_THAT(Error("CreateDeliveryStream", bad), StartsWith("ValidationException"));
  EXPECT_THAT(Error("CreateDeliveryStream", {{"DeliveryStreamName", "u"}}),
              StartsWith("InvalidArgumentException"));
  EXPECT_THAT(Error("CreateDeliveryStream",
                    {{"DeliveryStreamName", "u"},
                     {"S3DestinationConfiguration", json::object{{"BucketARN", "x"}}}}),
              HasSubstr("BucketARN"));
  EXPECT_THAT(Error("PutRecord", {{"DeliveryStreamName", "s"}}), StartsWith("ValidationException"));
  EXPECT_THAT(
      Error("PutRecord", {{"DeliveryStreamName", "s"}, {"Record", json::object{{"Data", "%"}}}}),
      StartsWith("SerializationException"));
  EXPECT_THAT(Error("PutRecordBatch", {{"DeliveryStreamName", "s"}, {"Records", json::array{}}}),
              StartsWith("ValidationException"));
  EXPECT_THAT(Error("PutRecord", {{"DeliveryStreamName", "none"}}),
              StartsWith("ResourceNotFoundException"));
  EXPECT_THAT(Error("MakeCoffee", {}), StartsWith("UnknownOperationException"));
}

TEST_F(StreamsTest, TheThreadDeliversByItself) {
  json::object stream = ToEndpoint();
  stream["HttpEndpointDestinationConfiguration"].as_object()["BufferingHints"] =
      json::object{{"IntervalInSeconds", 0}};
  Call("CreateDeliveryStream", stream);
  service_->Start();
  Put("x");
  while (endpoint_.requests().empty()) std::this_thread::yield();
  service_->Stop();
  EXPECT_THAT(DataOf(endpoint_.requests()[0]), ElementsAre("x"));
}

}  // namespace
}  // namespace postglass::streams
