#include "net/http_client.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>

#include "base/random_testing.h"
#include "net/http_response_reader.h"
#include "net/http_server.h"
#include "net/http_testing.h"

namespace postglass::net {
namespace {

using std::chrono::milliseconds;

// Answers each connection in turn with one of `answers`, byte for byte, then closes it. An empty
// answer closes without a word.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers) : answers_(std::move(answers)) {
    fd_ = ListenSocket(*ParseSocketAddress("127.0.0.1", 0)).value();
    port_ = LocalAddress(fd_.get())->port();
    thread_ = std::thread([this] { Run(); });
  }

  ~ScriptedServer() { thread_.join(); }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

  const std::string& received() const { return received_; }

 private:
  void Run() {
    for (const std::string& answer : answers_) {
      pollfd entry{fd_.get(), POLLIN, 0};
      poll(&entry, 1, 30'000);
      SocketAddress peer;
      auto accepted = AcceptSocket(fd_.get(), peer);
      if (!accepted) return;
      Socket socket(std::move(*accepted));
      while (received_.find("\r\n\r\n") == std::string::npos) {
        pollfd readable{socket.fd(), POLLIN, 0};
        poll(&readable, 1, 30'000);
        char piece[4096];
        const IoResult got = socket.Read(piece);
        if (got.state != IoState::kDone) break;
        received_.append(piece, got.bytes);
      }
      if (&answer != &answers_.back()) received_.clear();
      if (!answer.empty()) socket.Write(answer);
      socket.ShutdownWrite();
    }
  }

  std::vector<std::string> answers_;
  UniqueFd fd_;
  int port_ = 0;
  std::string received_;
  std::thread thread_;
};

TrustOptions NoRoots() {
  TrustOptions trust;
  trust.system_roots = false;
  return trust;
}

TrustOptions OwnRoot() {
  TrustOptions trust = NoRoots();
  trust.extra_roots_pem = TestCertificates::Get().authority.certificate_pem;
  return trust;
}

HttpClient::Request Get(std::string url) {
  HttpClient::Request request;
  request.url = std::move(url);
  request.timeout = kTestLimit;
  return request;
}

class HttpClientTest : public testing::Test {
 protected:
  void SetUp() override {
    HttpServerOptions options;
    options.worker_threads = 4;
    auto server = HttpServer::Create(
        options,
        [this](const HttpRequest& request) {
          ++requests_;
          HttpResponse response = TextResponse(200, request.method + " " + request.body);
          response.headers.Add("X-Tls", request.over_tls ? "yes" : "no");
          response.headers.Add("X-Host", std::string(request.headers.Get("host")));
          return response;
        },
        metrics_);
    server_ = std::move(*server);
    tls_ = TlsServerContext::Create(TestCertificates::Get().server).value();
    http_ = "http://127.0.0.1:" + std::to_string(server_->Listen({}, nullptr).value());
    tls_port_ = server_->Listen({}, tls_).value();
    https_ = "https://127.0.0.1:" + std::to_string(tls_port_);
    server_->Start();
  }

  Metrics metrics_;
  std::atomic<int> requests_ = 0;
  std::shared_ptr<TlsServerContext> tls_;
  std::unique_ptr<HttpServer> server_;
  int tls_port_ = 0;
  std::string http_;
  std::string https_;
};

TEST_F(HttpClientTest, SendsAndReceives) {
  const auto client = MakeHttpClient(NoRoots());
  HttpClient::Request request = Get(http_ + "/x");
  request.method = "POST";
  request.body = std::string(3'000'000, 'b');
  request.headers = {{"X-One", "1"}, {"Host", "ours.wins"}, {"Content-Length", "7"}};
  for (int i = 0; i < 3; ++i) {
    const auto response = client->Send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body.size(), request.body.size() + 5);
    EXPECT_EQ(response->headers.Get("x-host"), http_.substr(7));
  }
  EXPECT_EQ(client->Send(Get(http_))->body, "GET ");
  HttpClient::Request head = Get(http_);
  head.method = "HEAD";
  EXPECT_EQ(client->Send(head)->body, "");
  EXPECT_EQ(client->Send(head)->headers.Get("content-length"), "4");
}

TEST_F(HttpClientTest, TrustsOurCaAndNobodyElse) {
  const auto trusting = MakeHttpClient(OwnRoot());
  for (const std::string& url : {https_, "https://localhost:" + std::to_string(tls_port_)}) {
    const auto response = trusting->Send(Get(url));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->headers.Get("x-tls"), "yes");
  }
  const auto doubting = MakeHttpClient(NoRoots());
  const auto refused = doubting->Send(Get(https_));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied) << refused.error().message;
  EXPECT_EQ(requests_, 2);
}

TEST_F(HttpClientTest, RefusesACertificateOfAnotherName) {
  const SystemClock clock;
  SystemRandom random;
  const auto other = MakeServerCertificate(clock,
                                           random,
                                           TestCertificates::Get().authority,
                                           "other.example",
                                           {"other.example", "127.0.0.2"});
  ASSERT_TRUE(other);
  ASSERT_TRUE(tls_->Reload(*other));  // new connections get it
  const auto client = MakeHttpClient(OwnRoot());
  for (const std::string& url : {https_, "https://localhost:" + std::to_string(tls_port_)}) {
    const auto refused = client->Send(Get(url));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied) << refused.error().message;
  }
  EXPECT_FALSE(tls_->Reload({"rubbish", "rubbish"}));
  EXPECT_FALSE(
      tls_->Reload({other->certificate_pem, TestCertificates::Get().server.private_key_pem}));
  ASSERT_TRUE(tls_->Reload(TestCertificates::Get().server));
  EXPECT_TRUE(client->Send(Get(https_)));
}

TEST_F(HttpClientTest, PlainTextOnTheTlsPortIsClosed) {
  RawClient client(tls_port_);
  client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_EQ(answer.find("HTTP/1.1 200"), std::string::npos);
  EXPECT_FALSE(client.was_reset());
  EXPECT_TRUE(MakeHttpClient(OwnRoot())->Send(Get(https_)));
}

TEST_F(HttpClientTest, OldTlsIsRefused) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION);
  RawClient old(tls_port_);
  EXPECT_FALSE(old.stream().StartTls(context, "", TestDeadline()));
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  RawClient current(tls_port_);
  EXPECT_TRUE(current.stream().StartTls(context, "", TestDeadline()));
  EXPECT_EQ(current.stream().socket().tls_version(), "TLSv1.2");
}

TEST_F(HttpClientTest, LargeBodiesOverTls) {
  const auto client = MakeHttpClient(OwnRoot());
  HttpClient::Request request = Get(https_);
  request.method = "PUT";
  request.body = std::string(5'000'000, 'z');
  const auto response = client->Send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "PUT " + request.body);
}

TEST_F(HttpClientTest, HoldsTheCapOnAnswers) {
  const auto client = MakeHttpClient(NoRoots());
  HttpClient::Request request = Get(http_);
  request.method = "POST";
  request.body = std::string(1000, 'x');
  request.response_bytes_max = 1005;
  EXPECT_TRUE(client->Send(request));
  request.response_bytes_max = 1004;
  EXPECT_EQ(client->Send(request).error().code, ErrorCode::kLimit);
}

TEST_F(HttpClientTest, ConnectsToPublicAddressesOnlyWhenTold) {
  const auto client = MakeHttpClient(NoRoots());
  ASSERT_TRUE(client->Send(Get(http_)));  // leaves a connection that must not be lent
  const std::string port = http_.substr(http_.rfind(':'));
  for (const std::string& url : {http_,
                                 "http://localhost" + port,
                                 "http://[::1]" + port,
                                 "http://[::ffff:127.0.0.1]" + port,
                                 "http://[::ffff:7f00:1]" + port,
                                 "http://2130706433" + port,
                                 "http://0x7f.1" + port,
                                 "http://0.0.0.0" + port,
                                 std::string("http://169.254.169.254/latest/meta-data/"),
                                 std::string("http://[::ffff:169.254.169.254]/")}) {
    SCOPED_TRACE(url);
    HttpClient::Request request = Get(url);
    request.deny_private_addresses = true;
    const auto refused = client->Send(request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied) << refused.error().message;
  }
  EXPECT_EQ(requests_, 1);
}

TEST_F(HttpClientTest, AsksNoMetadataServerWhenTold) {
  const auto client = MakeHttpClient(NoRoots());
  for (const std::string url : {"http://169.254.169.254/latest/meta-data/",
                                "http://[::ffff:169.254.169.254]/",
                                "http://2852039166/",
                                "http://[fd00:ec2::254]/"}) {
    HttpClient::Request request = Get(url);
    request.deny_link_local_addresses = true;
    const auto refused = client->Send(request);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, ErrorCode::kPermissionDenied) << refused.error().message;
  }
  HttpClient::Request allowed = Get(http_);
  allowed.deny_link_local_addresses = true;
  EXPECT_TRUE(client->Send(allowed));
}

TEST_F(HttpClientTest, RefusesRequestsThatWouldNotBeOne) {
  const auto client = MakeHttpClient(NoRoots());
  HttpClient::Request request = Get(http_);
  request.headers = {{"X-A", "b\r\nX-Evil: 1"}};
  EXPECT_EQ(client->Send(request).error().code, ErrorCode::kInvalidArgument);
  request.headers = {{"X A", "b"}};
  EXPECT_EQ(client->Send(request).error().code, ErrorCode::kInvalidArgument);
  request.headers = {};
  request.method = "GET / HTTP/1.1\r\n";
  EXPECT_EQ(client->Send(request).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client->Send(Get("ftp://x/")).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(requests_, 0);
}

TEST(HttpClient, SaysWhyNothingCame) {
  const auto client = MakeHttpClient(NoRoots());
  int free_port = 0;
  {
    const auto fd = ListenSocket(*ParseSocketAddress("127.0.0.1", 0));
    free_port = LocalAddress(fd->get())->port();
    // It listens and never answers: the deadline holds for the whole exchange.
    HttpClient::Request request = Get("http://127.0.0.1:" + std::to_string(free_port));
    request.timeout = milliseconds(50);
    EXPECT_EQ(client->Send(request).error().code, ErrorCode::kTimeout);
  }
  const auto refused = client->Send(Get("http://127.0.0.1:" + std::to_string(free_port)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

TEST(HttpClient, ReadsEveryFraming) {
  const struct {
    std::string_view answer, body;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "hi"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n", ""},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.answer);
    ScriptedServer server({std::string(c.answer)});
    const auto response = MakeHttpClient(NoRoots())->Send(Get(server.url()));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, c.body);
  }
}

TEST(HttpClient, RefusesWhatIsNoWholeAnswer) {
  for (const std::string answer :
       {"220 mail.example ESMTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n"}) {
    SCOPED_TRACE(answer);
    ScriptedServer server({answer});
    const auto refused = MakeHttpClient(NoRoots())->Send(Get(server.url()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument) << refused.error().message;
  }
}

TEST(HttpClient, SendsAgainWhenAReusedConnectionWasClosed) {
  // The first connection answers once, claims to stay and closes; a second one must be made.
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1",
                         "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2"});
  const auto client = MakeHttpClient(NoRoots());
  EXPECT_EQ(client->Send(Get(server.url()))->body, "1");
  const auto second = client->Send(Get(server.url()));
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->body, "2");
}

TEST(HttpClient, AFreshConnectionThatClosesIsAnError) {
  ScriptedServer server({""});
  const auto refused = MakeHttpClient(NoRoots())->Send(Get(server.url()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
}

// However the bytes are cut: also where the parser below must not be called yet.
TEST(HttpResponseReader, ReadsByteByByte) {
  const std::string answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2;x=y\r\nbc\r\n0\r\nT: "
      "u\r\n\r\n";
  HttpResponseReader reader(HttpResponseReader::Method::kOther, 100);
  std::string pending;
  for (const char c : answer) {
    pending.push_back(c);
    pending.erase(0, reader.Consume(pending));
  }
  ASSERT_EQ(reader.state(), HttpResponseReader::State::kComplete);
  const HttpResponse response = reader.Take();
  EXPECT_EQ(response.body, "abc");
  EXPECT_EQ(response.headers.Find("T"), std::nullopt);
}

}  // namespace
}  // namespace postglass::net
