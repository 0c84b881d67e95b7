#include <fmt/format.h>

#include "net/http_client.h"

namespace postglass::net {
namespace {

// Gathers a streamed answer up to a bound.
class CollectingWriter final : public BodyWriter {
 public:
  CollectingWriter(std::string& body, std::size_t bytes_max) : body_(body), bytes_max_(bytes_max) {}

  bool Write(std::string_view piece) override {
    if (piece.size() > bytes_max_ - body_.size()) overflown_ = true;
    if (!overflown_) body_.append(piece);
    return !overflown_;
  }

  bool Gone() override { return overflown_; }

  bool overflown() const { return overflown_; }

 private:
  std::string& body_;
  const std::size_t bytes_max_;
  bool overflown_ = false;
};

class LoopbackClient final : public HttpClient {
 public:
  explicit LoopbackClient(const HttpHandler& handler) : handler_(handler) {}

  Result<HttpResponse> Send(const Request& request) override {
    ASSIGN_OR_RETURN(const Url url, ParseUrl(request.url));
    HttpRequest received;
    received.method = request.method;
    received.target = url.target;
    received.headers = request.headers;
    received.headers.Set("Host", url.authority());
    received.headers.Set("Content-Length", fmt::format("{}", request.body.size()));
    received.body = request.body;
    received.peer_address = "127.0.0.1";
    received.over_tls = url.scheme == "https";

    HttpResponse response = AwaitAnswer(handler_(received));
    bool overflown = response.body.size() > request.response_bytes_max;
    if (response.stream && !overflown) {
      response.body.clear();  // as on the wire: the stream is the body
      CollectingWriter writer(response.body, request.response_bytes_max);
      response.stream(writer);
      response.stream = nullptr;
      overflown = writer.overflown();
    }
    if (overflown) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("the answer has more than {} bytes", request.response_bytes_max));
    }
    return response;
  }

 private:
  const HttpHandler& handler_;
};

}  // namespace

std::unique_ptr<HttpClient> MakeLoopbackClient(const HttpHandler& handler) {
  return std::make_unique<LoopbackClient>(handler);
}

}  // namespace postglass::net
