#include "net/http_request_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace postglass::net {
namespace {

using State = HttpRequestReader::State;

struct Outcome {
  State state = State::kHead;
  int error_status = 0;
  HttpRequest request;
  std::size_t left = 0;  // bytes behind the request

  bool operator==(const Outcome& other) const {
    return state == other.state && error_status == other.error_status &&
           request.method == other.request.method && request.target == other.request.target &&
           request.body == other.request.body && left == other.left;
  }
};

// Feeds `bytes` in pieces of `piece` and says what became of the first request.
Outcome Feed(const std::string& bytes, std::size_t piece, HttpRequestReader::Limits limits = {}) {
  HttpRequestReader reader(limits);
  std::string pending;
  Outcome outcome;
  for (std::size_t at = 0; at < bytes.size() && reader.state() < State::kComplete;) {
    const std::size_t size = std::min(piece, bytes.size() - at);
    pending.append(bytes, at, size);
    at += size;
    for (std::size_t taken = 1; taken > 0 && reader.state() < State::kComplete;) {
      taken = reader.Consume(pending);
      pending.erase(0, taken);
    }
    outcome.left = pending.size() + (bytes.size() - at);
  }
  outcome.state = reader.state();
  outcome.error_status = reader.error_status();
  if (outcome.state == State::kComplete) outcome.request = reader.Take();
  if (outcome.state != State::kComplete) outcome.left = 0;
  return outcome;
}

// The same outcome, however the bytes are cut.
Outcome FeedEveryWay(const std::string& bytes, HttpRequestReader::Limits limits = {}) {
  Outcome whole = Feed(bytes, bytes.size(), limits);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U}) {
    EXPECT_EQ(Feed(bytes, piece, limits), whole) << "in pieces of " << piece;
  }
  return whole;
}

TEST(HttpRequestReader, ReadsRequests) {
  const struct {
    std::string bytes, method, target, body, host;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", "a"},
      {"\r\nGET /x?y HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/x?y", "", "a"},
      {"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/", "", "a"},
      {"GET / HTTP/1.0\r\n\r\n", "GET", "/", "", ""},
      {"POST /p HTTP/1.1\r\nHost:a\r\nContent-Length: 3\r\n\r\nabc", "POST", "/p", "abc", "a"},
      {"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST", "/p", "", "a"},
      {"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
       "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
       "POST",
       "/p",
       "abc0123456789",
       "a"},
      {"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
       "3\r\nabc\r\n0\r\nX-Trailer: dropped\r\nHost: evil\r\n\r\n",
       "POST",
       "/p",
       "abc",
       "a"},
      {"GET http://b.example:81/x HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/x", "", "b.example:81"},
      {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS", "*", "", "a"},
      {"GET / HTTP/1.1\r\nHost: [::1]:80\r\nX: \xC3\xA9\t!\r\n\r\n", "GET", "/", "", "[::1]:80"},
      {"PATCH / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx",
       "PATCH",
       "/",
       "x",
       "a"},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.bytes);
    const Outcome outcome = FeedEveryWay(c.bytes);
    ASSERT_EQ(outcome.state, State::kComplete) << outcome.error_status;
    EXPECT_EQ(outcome.request.method, c.method);
    EXPECT_EQ(outcome.request.target, c.target);
    EXPECT_EQ(outcome.request.body, c.body);
    EXPECT_EQ(outcome.request.headers.Get("host"), c.host);
    EXPECT_EQ(outcome.request.headers.Find("x-trailer"), std::nullopt);
    EXPECT_EQ(outcome.left, 0U);
  }
}

// Each of these is read differently by some server or proxy: refusing is the only safe reading.
TEST(HttpRequestReader, RefusesWhatParsersDisagreeOn) {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";

  const struct {
    std::string_view why;
    std::string bytes;
    int status;
  } cases[] = {
      {"CL and TE", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"TE and CL", post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {"two CL", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"two equal CL", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {"CL list", post + "Content-Length: 3, 3\r\n\r\nabc", 400},
      {"CL +3", post + "Content-Length: +3\r\n\r\nabc", 400},
      {"CL -3", post + "Content-Length: -3\r\n\r\nabc", 400},
      {"CL 0x3", post + "Content-Length: 0x3\r\n\r\nabc", 400},
      {"CL empty", post + "Content-Length: \r\n\r\n", 400},
      {"CL 3 3", post + "Content-Length: 3 3\r\n\r\nabc", 400},
      {"CL overflow", post + "Content-Length: 18446744073709551619\r\n\r\nabc", 400},
      {"CL beyond the cap", post + "Content-Length: 99999999999\r\n\r\n", 413},
      {"TE twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"TE gzip", post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"TE gzip, chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"TE chunked, identity", post + "Transfer-Encoding: chunked, identity\r\n\r\n", 501},
      {"TE xchunked", post + "Transfer-Encoding: xchunked\r\n\r\n", 501},
      {"TE \\vchunked", post + "Transfer-Encoding: \vchunked\r\n\r\n", 400},
      {"TE in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"space before colon", post + "Content-Length : 3\r\n\r\nabc", 400},
      {"tab before colon", post + "Transfer-Encoding\t: chunked\r\n\r\n", 400},
      {"no name", post + ": x\r\n\r\n", 400},
      {"no colon", post + "Nonsense\r\n\r\n", 400},
      {"obs-fold", post + "X: a\r\n b\r\n\r\n", 400},
      {"obs-fold first", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"bare LF after request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"bare LF between fields", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"bare CR in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: b\rY: c\r\n\r\n", 400},
      {"NUL in a value",
       "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(1, '\0') + "\r\n\r\n",
       400},
      {"DEL in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x7F\r\n\r\n", 400},
      {"space in a name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"host list", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400},
      {"host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n\r\n", 400},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
      {"double space", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"space in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"tab in request line", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"control in target", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"raw UTF-8 in target", "GET /\xC3\xA9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"relative target", "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"asterisk with GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"absolute with user", "GET http://u@h/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"lower-case method", "get / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"TRACE", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"bad method", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"expectation", post + "Expect: 200-maybe\r\n\r\n", 417},
      {"TLS greeting", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
      {"two empty lines", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"chunk size empty", chunked + "\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size not hex", chunked + "g\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size 0x3", chunked + "0x3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size negative", chunked + "-3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size plus", chunked + "+3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size blank before", chunked + " 3\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size blank behind", chunked + "3 \r\nabc\r\n0\r\n\r\n", 400},
      {"chunk size overflow", chunked + "10000000000000003\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk beyond the cap", chunked + "FFFFFFFF\r\n", 413},
      {"chunk extension without semicolon", chunked + "3 x\r\nabc\r\n0\r\n\r\n", 400},
      {"chunk longer than said", chunked + "3\r\nabcd\r\n0\r\n\r\n", 400},
      {"chunk line with LF", chunked + "3\nabc\r\n0\r\n\r\n", 400},
      {"chunk ends with LF", chunked + "3\r\nabc\n0\r\n\r\n", 400},
      {"chunk extension too long",
       chunked + "3;" + std::string(300, 'x') + "\r\nabc\r\n0\r\n\r\n",
       400},
      {"chunk line without end", chunked + "3;" + std::string(20'000, 'x'), 400},
      {"trailer without end", chunked + "0\r\nX: " + std::string(20'000, 'x'), 400},
      {"trailer with bare LF", chunked + "0\r\nX: a\nY: b\r\n\r\n", 400},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.why);
    const Outcome outcome = FeedEveryWay(c.bytes);
    EXPECT_EQ(outcome.state, State::kFailed);
    EXPECT_EQ(outcome.error_status, c.status);
  }
}

TEST(HttpRequestReader, HoldsItsLimits) {
  HttpRequestReader::Limits limits;
  limits.header_bytes_max = 1024;
  limits.body_bytes_max = 10;
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  const auto with_field = [&](std::size_t bytes) {
    return head + "X: " + std::string(bytes, 'x') + "\r\n\r\n";
  };
  const std::size_t room = 1024 - with_field(0).size();
  EXPECT_EQ(FeedEveryWay(with_field(room), limits).state, State::kComplete);
  EXPECT_EQ(FeedEveryWay(with_field(room + 1), limits).error_status, 431);
  EXPECT_EQ(
      FeedEveryWay("GET /" + std::string(2000, 'x') + " HTTP/1.1\r\n\r\n", limits).error_status,
      414);
  EXPECT_EQ(Feed("GET /" + std::string(40'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 1 << 20)
                .error_status,
            414);
  std::string many = head;
  for (int i = 0; i < 300; ++i) many += "X: y\r\n";
  EXPECT_EQ(Feed(many + "\r\n", 1 << 20).error_status, 431);

  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(FeedEveryWay(post + "Content-Length: 10\r\n\r\n0123456789", limits).state,
            State::kComplete);
  EXPECT_EQ(FeedEveryWay(post + "Content-Length: 11\r\n\r\n0123456789a", limits).error_status, 413);
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(FeedEveryWay(chunked + "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n", limits).state,
            State::kComplete);
  EXPECT_EQ(FeedEveryWay(chunked + "5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n", limits).error_status,
            413);
}

TEST(HttpRequestReader, LeavesWhatFollowsToTheNextRequest) {
  const std::string first = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  const std::string second = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string pending = first + second + first;
  HttpRequestReader reader({});
  for (const std::string_view target : {"/1", "/2", "/1"}) {
    while (reader.state() < State::kComplete) {
      const std::size_t taken = reader.Consume(pending);
      ASSERT_GT(taken, 0U);
      pending.erase(0, taken);
    }
    ASSERT_EQ(reader.state(), State::kComplete);
    EXPECT_TRUE(reader.keep_alive());
    EXPECT_EQ(reader.Take().target, target);
  }
  EXPECT_TRUE(pending.empty());
}

TEST(HttpRequestReader, KnowsWhetherTheConnectionStays) {
  const struct {
    std::string bytes;
    bool keep_alive;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.bytes);
    HttpRequestReader reader({});
    reader.Consume(c.bytes);
    ASSERT_EQ(reader.state(), State::kComplete);
    EXPECT_EQ(reader.keep_alive(), c.keep_alive);
  }
}

}  // namespace
}  // namespace postglass::net
