#include "query/export.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/json.h"
#include "query/store_testing.h"
#include "store/oracle_store.h"

namespace postglass::query {
namespace {

using std::chrono::milliseconds;

class ExportTest : public testing::Test {
 protected:
  std::string All(ExportRequest request) {
    Result<Exporter> exporter = Exporter::Create(search_, std::move(request));
    EXPECT_TRUE(exporter);
    std::string text;
    while (exporter && !exporter->done()) {
      auto piece = exporter->Next();
      if (const auto* error = std::get_if<SearchError>(&piece)) return "error: " + error->message;
      text += std::get<std::string>(piece);
      // What arrives meanwhile is not part of it.
      clock_.Advance(milliseconds(1));
      make_.AppendLog(store_, "later", {});
    }
    return text;
  }

  ManualClock clock_;
  Metrics metrics_;
  store::OracleStore store_;
  EventMaker make_{clock_};
  QueryRunner runner_{store_, clock_, metrics_, {}};
  SearchService search_{runner_, clock_};
};

TEST_F(ExportTest, GivesAllEventsHoweverMany) {
  std::vector<store::Event> events;
  for (int i = 0; i < 2'500; ++i) {
    events.push_back(make_.Log("m" + std::to_string(i), -milliseconds(2'500 - i)));
  }
  make_.Append(store_, events);
  const std::string text = All({});
  std::size_t at = 0;
  for (int i = 0; i < 2'500; ++i) {
    const std::size_t end = text.find('\n', at);
    ASSERT_NE(end, std::string::npos);
    const auto line = json::ParseObject(std::string_view(text).substr(at, end - at));
    ASSERT_TRUE(line);
    ASSERT_EQ(json::GetString(*line, "message"), "m" + std::to_string(i));
    at = end + 1;
  }
  EXPECT_EQ(at, text.size());
}

TEST_F(ExportTest, CsvHasAHeaderAndColumns) {
  store::Event event = make_.Log("said \"hello\", twice\nover", {});
  event.service = "=1+1";
  event.attributes = R"({"to":["a@b.example","c@d.example"],"n":-5,"x":{"y":0.1}})";
  make_.Append(store_, {event});
  ExportRequest request;
  request.format = ExportRequest::Format::kCsv;
  request.columns = {"service", "@to", "@n", "@x.y", "@none", "message"};
  EXPECT_EQ(
      All(request),
      "service,to,n,x.y,none,message\r\n"
      "\"'=1+1\",\"a@b.example; c@d.example\",-5,0.1,,\"said \"\"hello\"\", twice\nover\"\r\n");
}

TEST_F(ExportTest, NothingFoundIsAHeaderAlone) {
  ExportRequest request;
  request.query = "nothing";
  EXPECT_EQ(All(request), "");
  request.format = ExportRequest::Format::kCsv;
  request.columns = {"message"};
  EXPECT_EQ(All(request), "message\r\n");
}

TEST_F(ExportTest, ErrorsAreTheSearchs) {
  ExportRequest request;
  request.query = "(a";
  auto exporter = Exporter::Create(search_, request);
  const auto outcome = exporter->Next();
  ASSERT_TRUE(std::holds_alternative<SearchError>(outcome));
  EXPECT_EQ(std::get<SearchError>(outcome).kind, SearchError::Kind::kBadQuery);
  request.format = ExportRequest::Format::kCsv;
  request.columns = {"a b"};
  EXPECT_FALSE(Exporter::Create(search_, request));
  request.columns = {};
  EXPECT_FALSE(Exporter::Create(search_, request));
}

// CWE-1236, and what OWASP's page "CSV Injection" lists.
TEST(CsvField, NoSpreadsheetTakesItForAFormula) {
  const struct {
    std::string_view text;
    std::string_view field;
  } cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"-5", "-5"},
      {"-5.5", "-5.5"},
      {"-5+cmd", "\"'-5+cmd\""},
      {"=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""},
      {"@SUM(1)", "\"'@SUM(1)\""},
      {"+1", "\"'+1\""},
      {"\t=1", "\"'\t=1\""},
      {"\r\n=1", "\"'\r\n=1\""},
      {"\uFF1D1", "\"'\uFF1D1\""},
      {"a,b", "\"a,b\""},
      {"a\"b", "\"a\"\"b\""},
      {"a=b", "a=b"},
  };

  for (const auto& c : cases) EXPECT_EQ(CsvField(c.text), c.field) << c.text;
  EXPECT_EQ(CsvField(std::string_view("\0=1", 3)), "\"'=1\"");
  EXPECT_EQ(CsvField("\xFF"), "\uFFFD");
}

}  // namespace
}  // namespace postglass::query
