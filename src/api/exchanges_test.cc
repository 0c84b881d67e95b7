// Whole exchanges with the API of questions, as text: tests/data/api/exchanges.txt. Each stands
// between
// "### name" lines: the request's first line, further header lines, its body behind an empty line;
// then "-->" and the answer. With POSTGLASS_UPDATE_GOLDEN the answers are written anew, for
// review.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/analytics_api.h"
#include "api/log_list_api.h"
#include "api/search_api.h"
#include "base/clock_testing.h"
#include "base/random_testing.h"
#include "query/store_testing.h"
#include "query/time_zone.h"
#include "store/oracle_store.h"

namespace postglass::api {
namespace {

constexpr std::string_view kFile = POSTGLASS_SOURCE_DIR "/tests/data/api/exchanges.txt";
constexpr std::string_view kAnswerMark = "\n-->\n";

class FixedKeys final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view key) const override { return key == "api"; }

  bool IsApplicationKey(std::string_view key) const override { return key == "application"; }
};

// One server with the same five events, for one exchange.
class Server {
 public:
  Server() {
    const auto add = [&](std::string message, std::string attributes, int minutes_ago) {
      store::Event event = maker_.Log(std::move(message), -std::chrono::minutes(minutes_ago));
      event.attributes = std::move(attributes);
      event.service = "mail";
      event.tags = {"env:test"};
      maker_.Append(store_, {std::move(event)});
    };
    add("sent", R"({"type":"Send","to":"a@example.com","ms":10})", 9);
    add("sent", R"({"type":"Send","to":"b@example.com","ms":20})", 8);
    add("sent", R"({"type":"Send","to":["a@example.com","b@example.com"],"ms":30})", 7);
    add("bounced", R"({"type":"Bounce","to":"a@example.com","ms":2.5})", 3);
    add("opened", R"({"type":"Open"})", 2);
  }

  net::HttpResponse Handle(const net::HttpRequest& request) {
    if (request.path() == kLogListPath) return list_api_.Handle(request);
    if (AnalyticsApi::Handles(request.path())) return analytics_.Handle(request);
    return search_api_.Handle(request);
  }

 private:
  ManualClock clock_;
  SeededRandom random_{1};
  Metrics metrics_;
  store::OracleStore store_;
  query::EventMaker maker_{clock_};
  PosixFileSystem files_;
  query::TimeZones zones_{files_};
  query::QueryRunner runner_{store_, clock_, metrics_, {}};
  query::SearchService search_{runner_, clock_};
  query::LogListService list_{runner_, clock_};
  query::AggregateService aggregates_{runner_, zones_, clock_};
  query::ExploreService explorer_{runner_, zones_, clock_};
  query::TransactionsService transactions_{runner_, clock_};
  FixedKeys keys_;
  ReadGuard guard_{keys_, nullptr};
  SearchApi search_api_{runner_, search_, guard_, clock_, random_, {}};
  AnalyticsApi analytics_{{aggregates_, explorer_, transactions_}, guard_, clock_, random_, {}};
  LogListApi list_api_{
      list_, guard_, clock_, random_, {"logs_list", 300, std::chrono::seconds(3'600)}};
};

net::HttpRequest ReadRequest(std::string_view text) {
  net::HttpRequest request;
  const std::size_t head_end = std::min(text.find("\n\n"), text.size());
  std::string_view head = text.substr(0, head_end);
  if (head_end < text.size()) request.body = text.substr(head_end + 2);
  const auto take_line = [&head] {
    const std::size_t end = std::min(head.find('\n'), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    return line;
  };
  const std::string_view first = take_line();
  const std::size_t blank = first.find(' ');
  request.method = first.substr(0, blank);
  request.target = first.substr(blank + 1);
  request.headers.Add("Host", "logs.example");
  while (!head.empty()) {
    const std::string_view line = take_line();
    const std::size_t colon = line.find(": ");
    request.headers.Add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 2)));
  }
  return request;
}

class Collector final : public net::BodyWriter {
 public:
  bool Write(std::string_view piece) override {
    text += piece;
    return true;
  }

  bool Gone() override { return false; }

  std::string text;
};

std::string AnswerText(net::HttpResponse response) {
  if (response.stream) {
    Collector body;
    response.stream(body);
    response.body = std::move(body.text);
  }
  std::string text = fmt::format("{}\n", response.status);
  for (const auto& [name, value] : response.headers) text += fmt::format("{}: {}\n", name, value);
  return text + "\n" + response.body;
}

struct Exchange {
  std::string name;
  std::string request;
  std::string answer;
};

std::vector<Exchange> ReadExchanges(std::string_view text) {
  std::vector<Exchange> exchanges;
  while (text.starts_with("### ")) {
    const std::size_t end = std::min(text.find("\n### "), text.size());
    std::string_view one = text.substr(4, end - 4);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (one.ends_with('\n')) one.remove_suffix(1);
    const std::size_t name_end = one.find('\n');
    const std::size_t mark = std::min(one.find(kAnswerMark), one.size());
    Exchange exchange{std::string(one.substr(0, name_end)),
                      std::string(one.substr(name_end + 1, mark - name_end - 1)),
                      ""};
    if (mark < one.size()) exchange.answer = one.substr(mark + kAnswerMark.size());
    exchanges.push_back(std::move(exchange));
  }
  return exchanges;
}

TEST(Exchanges, AreAsRecorded) {
  std::ifstream in{std::string(kFile)};
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const std::vector<Exchange> exchanges = ReadExchanges(text);
  ASSERT_GT(exchanges.size(), 20U);
  // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread, and nobody sets variables
  const bool update = std::getenv("POSTGLASS_UPDATE_GOLDEN") != nullptr;
  std::string rewritten;
  for (const Exchange& exchange : exchanges) {
    Server server;
    std::string answer = AnswerText(server.Handle(ReadRequest(exchange.request)));
    while (answer.ends_with('\n')) answer.pop_back();
    rewritten +=
        fmt::format("### {}\n{}{}{}\n\n", exchange.name, exchange.request, kAnswerMark, answer);
    if (!update) {
      EXPECT_EQ(answer, exchange.answer) << exchange.name;
    }
  }
  if (update) std::ofstream(std::string(kFile)) << rewritten;
}

}  // namespace
}  // namespace postglass::api
