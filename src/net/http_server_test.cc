#include "net/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/worker_pool.h"
#include "net/http_client.h"
#include "net/http_testing.h"

namespace postglass::net {
namespace {

using std::chrono::milliseconds;

// A gate that handlers wait at until the test opens it.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    condition_.notify_all();
  }

  void Pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    condition_.notify_all();
    condition_.wait(lock, [&] { return open_; });
  }

  void AwaitWaiting(int count) {
    std::unique_lock lock(mutex_);
    condition_.wait(lock, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool open_ = false;
  int waiting_ = 0;
};

HttpResponse Echo(const HttpRequest& request) {
  return TextResponse(200, request.method + " " + request.target + " " + request.body);
}

class HttpServerTest : public testing::Test {
 protected:
  void Serve(HttpHandler handler, HttpServerOptions options = {}) {
    options.worker_threads = std::min(options.worker_threads, 4);
    auto server = HttpServer::Create(std::move(options), std::move(handler), metrics_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    const auto port = server_->Listen({}, nullptr);
    ASSERT_TRUE(port) << port.error().message;
    port_ = *port;
    server_->Start();
  }

  double Count(std::string_view name, std::string_view label, std::string_view value) {
    return metrics_.GetCounter(name, "", {{"listener", "http"}, {label, value}}).value();
  }

  double Rejected(std::string_view reason) {
    return Count("postglass_http_rejected_total", "reason", reason);
  }

  Metrics metrics_;
  std::unique_ptr<HttpServer> server_;
  int port_ = 0;
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Serve(Echo);
  RawClient client(port_);
  ASSERT_TRUE(client.connected());
  for (int i = 0; i < 3; ++i) {
    client.Send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    EXPECT_EQ(client.ReadLine(), "HTTP/1.1 200 OK\r\n");
    const std::string head = client.ReadUntil("\r\n\r\n");
    EXPECT_NE(head.find("Content-Length: 10\r\n"), std::string::npos) << head;
    EXPECT_NE(head.find("Date: "), std::string::npos);
    EXPECT_EQ(head.find("Connection:"), std::string::npos);
    EXPECT_EQ(client.ReadUntil("hi"), "POST /x hi");
  }
  EXPECT_EQ(Count("postglass_http_requests_total", "class", "2xx"), 3);
}

// Answers in the order of the requests, however they come about: by a worker, by the loop, at once,
// or later by a thread of neither.
TEST_F(HttpServerTest, AnswersLaterAndAtOnce) {
  WorkerPool others({.threads = 2, .queue_max = 100});
  HttpServerOptions options;
  options.at_once = [](const HttpRequest& request) { return request.path() != "/worker"; };
  Serve(
      [&](const HttpRequest& request) {
        if (request.query() == "now") return Echo(request);
        if (request.query() == "throws") throw std::runtime_error("a fault");
        HttpResponse response;
        response.later = [&others, answer = Echo(request)](HttpRespond respond) {
          if (answer.body.find("fails") != std::string::npos) throw std::runtime_error("a fault");
          EXPECT_TRUE(others.Submit([respond = std::move(respond), answer] { respond(answer); }));
        };
        return response;
      },
      std::move(options));
  std::string requests;
  const std::vector<std::string> targets = {"/worker?now",
                                            "/worker",
                                            "/loop",
                                            "/loop?now",
                                            "/loop?throws",
                                            "/loop?fails",
                                            "/worker",
                                            "/"};
  for (const std::string& target : targets)
    requests += "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
  RawClient client(port_);
  for (int round = 0; round < 20; ++round) {
    client.Send(requests);
    for (const std::string& target : targets) {
      const bool fails =
          target.find("throws") != std::string::npos || target.find("fails") != std::string::npos;
      const std::string head = client.ReadUntil("\r\n\r\n");
      EXPECT_TRUE(head.starts_with(fails ? "HTTP/1.1 500" : "HTTP/1.1 200")) << head;
      const std::string body = fails ? "internal error\n" : "GET " + target + " ";
      EXPECT_EQ(client.ReadUntil(body), body);
    }
  }
  server_.reset();  // its workers may still be inside Submit() of `others`
}

TEST_F(HttpServerTest, TellsTheHandlerWhoAsks) {
  HttpRequest seen;
  Serve([&](const HttpRequest& request) {
    seen = request;
    return TextResponse(204, "");
  });
  RawClient client(port_);
  client.Send("GET /a?b HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nConnection: close\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 204 No Content\r\n")) << answer;
  EXPECT_EQ(answer.find("Content-Length"), std::string::npos);
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  EXPECT_EQ(seen.peer_address, "127.0.0.1");
  EXPECT_FALSE(seen.over_tls);
  EXPECT_EQ(seen.headers.Get("x-one"), "1");
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  Serve(Echo);
  RawClient client(port_);
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  client.Send(requests);
  for (int i = 0; i < 100; ++i) {
    client.ReadUntil("\r\n\r\n");
    const std::string body = "GET /" + std::to_string(i) + " ";
    EXPECT_EQ(client.ReadUntil(body), body);
  }
}

TEST_F(HttpServerTest, HeadGivesTheHeadersOfGet) {
  Serve(Echo);
  RawClient client(port_);
  client.Send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string head = client.ReadUntil("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 7\r\n"), std::string::npos) << head;
  EXPECT_EQ(client.ReadLine(), "HTTP/1.1 200 OK\r\n");
  client.ReadUntil("\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("/y "), "GET /y ");
}

TEST_F(HttpServerTest, SendsContinueOnlyWhenTheBodyIsWanted) {
  HttpServerOptions options;
  options.body_bytes_max = 100;
  Serve(Echo, options);
  RawClient client(port_);
  client.Send(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
      "Connection: close\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("ok");
  EXPECT_TRUE(client.ReadAll().ends_with("POST / ok"));

  RawClient large(port_);
  large.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n");
  const std::string answer = large.ReadAll();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_EQ(Rejected("body_too_large"), 1);
}

TEST_F(HttpServerTest, RefusesBadRequestsAndCloses) {
  Serve(Echo);

  const struct {
    std::string_view bytes, status;
  } cases[] = {
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400"},
      {"GET / HTTP/1.1\nHost: a\n\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "501"},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", "413"},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.bytes);
    RawClient client(port_);
    // What follows must never be taken for a request.
    client.Send(std::string(c.bytes) + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.ReadAll();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(c.status))) << answer;
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_EQ(answer.find("smuggled"), std::string::npos);
  }
  EXPECT_EQ(Rejected("bad_request"), 4);
}

// The client is in the middle of a large body when it is refused; it must still get the answer.
TEST_F(HttpServerTest, AnswersBeforeItHasReadTheBodyItRefuses) {
  HttpServerOptions options;
  options.body_bytes_max = 1000;
  Serve(Echo, options);
  RawClient client(port_);
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n";
  client.Send(head + std::string(4'000'000, 'x'));
  EXPECT_TRUE(client.ReadAll().starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, TimesOutSlowRequests) {
  HttpServerOptions options;
  options.header_timeout = milliseconds(400);
  options.body_timeout = milliseconds(400);
  options.idle_timeout = milliseconds(400);
  Serve(Echo, options);

  const struct {
    std::string_view bytes, answer;
  } cases[] = {
      {"", ""},
      {"GET / HT", "HTTP/1.1 408 "},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", "HTTP/1.1 408 "},
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.bytes);
    RawClient client(port_);
    client.Send(c.bytes);
    const std::string answer = client.ReadAll();  // ends because the server closes
    EXPECT_TRUE(answer.starts_with(c.answer)) << answer;
    EXPECT_EQ(answer.empty(), c.answer.empty()) << answer;
  }
  EXPECT_EQ(Rejected("timeout"), 2);
}

TEST_F(HttpServerTest, AnswersOverloadWithRetryAfter) {
  Gate gate;
  HttpServerOptions options;
  options.worker_threads = 1;
  options.queue_max = 1;
  Serve(
      [&](const HttpRequest& request) {
        gate.Pass();
        return Echo(request);
      },
      options);
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  RawClient running(port_);
  running.Send(request);
  gate.AwaitWaiting(1);
  // Of two more, one may wait and one must go; which is first does not matter.
  RawClient second(port_);
  RawClient third(port_);
  second.Send(request);
  third.Send(request);
  std::string refused;
  std::thread reader([&] { refused = second.ReadUntil("\r\n\r\n") + third.ReadUntil("\r\n\r\n"); });
  while (Rejected("queue") < 1) std::this_thread::yield();
  gate.Open();
  reader.join();
  EXPECT_NE(refused.find("HTTP/1.1 503 "), std::string::npos) << refused;
  EXPECT_NE(refused.find("Retry-After: 1\r\n"), std::string::npos);
  EXPECT_NE(refused.find("HTTP/1.1 200 "), std::string::npos);
  EXPECT_TRUE(running.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, BoundsAllBodiesTogether) {
  HttpServerOptions options;
  options.bodies_bytes_max = 1000;
  Serve(Echo, options);
  RawClient first(port_);
  const auto post = [](const std::string& body) {
    return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 600\r\n\r\n" + body;
  };
  first.Send(post(std::string(100, 'x')));
  RawClient second(port_);
  second.Send(post(std::string(600, 'x')));
  EXPECT_TRUE(second.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200 "));
  RawClient third(port_);
  third.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'));
  EXPECT_TRUE(third.ReadAll().starts_with("HTTP/1.1 503 "));
  first.Send(std::string(500, 'x'));
  EXPECT_TRUE(first.ReadUntil("\r\n\r\n").starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(Rejected("bodies"), 1);
}

TEST_F(HttpServerTest, StreamsInChunks) {
  Serve([](const HttpRequest&) {
    HttpResponse response;
    response.headers.Add("Content-Type", "text/event-stream");
    response.stream = [](BodyWriter& writer) {
      writer.Write("one");
      writer.Write(std::string(300'000, 'x'));
    };
    return response;
  });
  const auto client = MakeHttpClient({.system_roots = false});
  HttpClient::Request request;
  request.url = "http://127.0.0.1:" + std::to_string(port_) + "/";
  for (int i = 0; i < 3; ++i) {
    const auto response = client->Send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "one" + std::string(300'000, 'x'));
    EXPECT_EQ(response->headers.Get("transfer-encoding"), "chunked");
  }
  RawClient old(port_);
  old.Send("GET / HTTP/1.0\r\n\r\n");
  const std::string answer = old.ReadAll();
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\none" + std::string(300'000, 'x')));
  RawClient head(port_);
  head.Send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(head.ReadAll().ends_with("\r\n\r\n"));
}

// The end of a stream rings for the sender twice when it comes close behind the last piece; the
// second ring must not let the next answer out before its handler has made it.
TEST_F(HttpServerTest, AStreamDoesNotAnswerTheNextRequest) {
  Serve([](const HttpRequest& request) {
    if (request.target == "/plain") {
      for (int i = 0; i < 200; ++i) std::this_thread::yield();
      return TextResponse(201, "answered");
    }
    HttpResponse response;
    response.stream = [](BodyWriter& writer) {
      for (int i = 0; i < 3; ++i) writer.Write("piece");
    };
    return response;
  });
  RawClient client(port_);
  for (int i = 0; i < 200; ++i) {
    client.Send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\nGET /plain HTTP/1.1\r\nHost: a\r\n\r\n");
    ASSERT_EQ(client.ReadLine(), "HTTP/1.1 200 OK\r\n");
    client.ReadUntil("\r\n0\r\n\r\n");
    ASSERT_EQ(client.ReadLine(), "HTTP/1.1 201 Created\r\n");
    client.ReadUntil("answered");
  }
}

TEST_F(HttpServerTest, TheHandlerSeesThatAClientHasGone) {
  std::atomic<bool> saw_request_gone = false;
  std::atomic<bool> saw_stream_gone = false;
  Gate in_handler;
  in_handler.Open();
  Serve([&](const HttpRequest& request) {
    in_handler.Pass();
    HttpResponse response;
    if (request.target == "/query") {
      while (!request.abandoned()) std::this_thread::yield();
      saw_request_gone = true;
      return response;
    }
    response.stream = [&](BodyWriter& writer) {
      writer.Write("first");
      while (!writer.Gone()) std::this_thread::yield();
      saw_stream_gone = true;
    };
    return response;
  });
  {
    RawClient client(port_);
    client.Send("GET /query HTTP/1.1\r\nHost: a\r\n\r\n");
    in_handler.AwaitWaiting(1);
  }
  {
    RawClient client(port_);
    client.Send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
    client.ReadUntil("first");
  }
  server_.reset();  // waits for the handlers
  EXPECT_TRUE(saw_request_gone);
  EXPECT_TRUE(saw_stream_gone);
}

// Writes without end against a client that reads nothing: memory stays at what is pending, and the
// write time-out ends it.
TEST_F(HttpServerTest, ASlowReaderIsBoundedAndGivenUp) {
  HttpServerOptions options;
  options.write_timeout = milliseconds(200);
  std::atomic<std::size_t> written = 0;
  std::atomic<bool> ended = false;
  Serve(
      [&](const HttpRequest&) {
        HttpResponse response;
        response.stream = [&](BodyWriter& writer) {
          const std::string piece(64 << 10, 'x');
          while (writer.Write(piece)) written += piece.size();
          ended = true;
        };
        return response;
      },
      options);
  RawClient client(port_);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  while (!ended) std::this_thread::yield();
  // The kernel's socket buffers on both sides, which grow to some MB, and what was pending.
  EXPECT_LT(written.load(), 32U << 20);
}

TEST_F(HttpServerTest, ABrokenStreamIsNotMistakenForAWholeOne) {
  Serve([](const HttpRequest&) {
    HttpResponse response;
    response.stream = [](BodyWriter& writer) {
      writer.Write("half");
      throw std::runtime_error("disk");
    };
    return response;
  });
  RawClient client(port_);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_NE(answer.find("half"), std::string::npos);
  EXPECT_FALSE(answer.ends_with("0\r\n\r\n"));
}

TEST_F(HttpServerTest, AHandlerThatThrowsCostsItsOwnRequestOnly) {
  Serve([](const HttpRequest&) -> HttpResponse { throw std::runtime_error("bug"); });
  RawClient client(port_);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.ReadLine(), "HTTP/1.1 500 Internal Server Error\r\n");
}

TEST_F(HttpServerTest, HeaderValuesFromOutsideCannotSplitTheAnswer) {
  Serve([](const HttpRequest&) {
    HttpResponse response = TextResponse(200, "");
    response.headers.Add("Location", "/x\r\nSet-Cookie: evil=1");
    response.headers.Add("Bad Name", "x");
    response.headers.Add("Content-Length", "99");
    return response;
  });
  RawClient client(port_);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_NE(answer.find("Location: /x  Set-Cookie: evil=1\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("Bad Name"), std::string::npos);
  EXPECT_EQ(answer.find("99"), std::string::npos);
}

TEST_F(HttpServerTest, IdleConnectionsDoNotStandInTheWay) {
  Serve(Echo);
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 2000; ++i) {
    idle.push_back(std::make_unique<RawClient>(port_));
    ASSERT_TRUE(idle.back()->connected()) << i;
    if (i % 2 == 0) idle.back()->Send("GET / HT");  // slow ones
  }
  RawClient client(port_);
  client.Send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.ReadLine(), "HTTP/1.1 200 OK\r\n");
}

TEST_F(HttpServerTest, ClosesTheNewestAboveTheLimit) {
  HttpServerOptions options;
  options.connections_max = 2;
  Serve(Echo, options);
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  RawClient first(port_);
  RawClient second(port_);
  first.Send(request);
  second.Send(request);
  EXPECT_EQ(first.ReadLine(), "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(second.ReadLine(), "HTTP/1.1 200 OK\r\n");
  RawClient third(port_);
  EXPECT_EQ(third.ReadAll(), "");
  EXPECT_EQ(Rejected("connections"), 1);
}

TEST_F(HttpServerTest, DrainLetsRequestsEndAndClosesTheRest) {
  Gate gate;
  Serve([&](const HttpRequest& request) {
    if (request.target == "/slow") gate.Pass();
    return Echo(request);
  });
  RawClient idle(port_);
  idle.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  idle.ReadUntil("\r\n\r\n");
  RawClient busy(port_);
  busy.Send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
  gate.AwaitWaiting(1);
  std::thread drain([&] { server_->Drain(kTestLimit); });
  idle.ReadAll();  // closed by the drain
  gate.Open();
  const std::string answer = busy.ReadAll();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  drain.join();
  EXPECT_FALSE(RawClient(port_).connected());
}

TEST_F(HttpServerTest, SaysThatAnAddressIsTaken) {
  Serve(Echo);
  const auto taken = server_->Listen({"127.0.0.1", port_}, nullptr);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(taken.error().message, "address 127.0.0.1:" + std::to_string(port_) + " is in use");
  EXPECT_FALSE(server_->Listen({"not an address", 0}, nullptr));
}

TEST_F(HttpServerTest, ServesFromSeveralLoops) {
  HttpServerOptions options;
  options.io_threads = 3;
  Serve(Echo, options);
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      RawClient client(port_);
      for (int i = 0; i < 50; ++i) {
        client.Send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
        if (client.ReadUntil("GET /x ").ends_with("GET /x ")) ++answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 300);
}

TEST_F(HttpServerTest, NeverStartedServersGoQuietly) {
  auto server = HttpServer::Create({}, Echo, metrics_);
  ASSERT_TRUE(server);
  EXPECT_TRUE((*server)->Listen({}, nullptr));
}

}  // namespace
}  // namespace postglass::net
