#include "api/export_api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "base/clock_testing.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::api {
namespace {

class CollectBody final : public net::BodyWriter {
 public:
  bool Write(std::string_view piece) override {
    text += piece;
    return true;
  }

  bool Gone() override { return false; }

  std::string text;
};

// A store whose disk fails from some moment on.
class FailingStore final : public store::LogStore {
 public:
  explicit FailingStore(store::LogStore& inner) : inner_(inner) {}

  void AppendAsync(std::vector<store::NewEvent> batch, Appended done) override {
    inner_.AppendAsync(std::move(batch), std::move(done));
  }

  Result<store::RunReport> Run(const store::Plan& plan, store::Sink& sink) override {
    if (fails) return Fail(ErrorCode::kIo, "the disk failed");
    return inner_.Run(plan, sink);
  }

  Result<store::DeleteReport> Delete(const store::Plan& selection) override {
    return inner_.Delete(selection);
  }

  Result<store::EraseReceipt> Erase(std::string_view address,
                                    const store::StoreProgress& progress) override {
    return inner_.Erase(address, progress);
  }

  store::Description Describe() const override { return inner_.Describe(); }

  Status Flush() override { return inner_.Flush(); }

  bool fails = false;

 private:
  store::LogStore& inner_;
};

class ExportApiTest : public testing::Test {
 protected:
  net::HttpResponse Get(std::string query, std::string method = "GET") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::string(kExportPath) + query;
    return api_.Handle(request);
  }

  static std::string Body(const net::HttpResponse& response) {
    CollectBody body;
    EXPECT_TRUE(response.stream) << response.body;
    if (response.stream) response.stream(body);
    return body.text;
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  FailingStore failing_{store_};
  query::EventMaker make_{clock_};
  query::QueryRunner runner_{failing_, clock_, metrics_, {}};
  query::SearchService search_{runner_, clock_};
  ExportApi api_{search_, [](std::chrono::milliseconds) {}};
};

TEST_F(ExportApiTest, StreamsCsvAndNdjson) {
  make_.AppendLog(store_, "one", {});
  make_.AppendLog(store_, "two", {});
  const auto csv = Get("?query=one&format=csv&columns=message,%20service");
  EXPECT_EQ(csv.headers.Get("Content-Type"), "text/csv; charset=utf-8");
  EXPECT_EQ(Body(csv), "message,service\r\none,\r\n");
  const std::string lines = Body(Get("?sort=-timestamp"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2);
}

TEST_F(ExportApiTest, RefusesBeforeTheBodyBegins) {
  for (const std::string query : {"?format=xlsx",
                                  "?sort=message",
                                  "?query=(a",
                                  "?from=x",
                                  "?format=csv&columns=",
                                  "?format=csv&columns=a%20b"}) {
    EXPECT_EQ(Get(query).status, 400) << query;
  }
  EXPECT_EQ(Get("", "POST").status, 405);
}

TEST_F(ExportApiTest, AFailureBreaksTheBodyOff) {
  std::vector<store::Event> events;
  for (int i = 0; i < 1'500; ++i) events.push_back(make_.Log("m", {}));
  make_.Append(store_, std::move(events));
  const net::HttpResponse response = Get("");
  failing_.fails = true;
  CollectBody body;
  EXPECT_THROW(response.stream(body), std::runtime_error);
}

}  // namespace
}  // namespace postglass::api
