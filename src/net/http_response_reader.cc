#include "net/http_response_reader.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "net/chunked.h"

namespace postglass::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

constexpr std::uint32_t kHeaderBytesMax = 64 << 10;
constexpr std::uint64_t kBodyReserveMax = 256 << 10;
constexpr int kInterimAnswersMax = 8;

std::string_view View(string_view text) { return {text.data(), text.size()}; }

}  // namespace

class HttpResponseReader::Parser final : public http::basic_parser<false> {
 public:
  Parser(Method method, std::size_t body_bytes_max) {
    header_limit(kHeaderBytesMax);
    body_limit(body_bytes_max);
    eager(true);
    if (method == Method::kHead) skip(true);
  }

  HttpResponse response;

 private:
  void on_request_impl(http::verb, string_view, string_view, int, error_code&) override {}

  void on_response_impl(int code, string_view, int, error_code&) override {
    response.status = code;
  }

  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    if (!in_trailer_) response.headers.Add(std::string(View(name)), std::string(View(value)));
  }

  void on_header_impl(error_code&) override { in_trailer_ = true; }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) response.body.reserve(static_cast<std::size_t>(std::min(*length, kBodyReserveMax)));
  }

  std::size_t on_body_impl(string_view piece, error_code&) override {
    response.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
    response.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_finish_impl(error_code&) override {}

  bool in_trailer_ = false;
};

HttpResponseReader::HttpResponseReader(Method method, std::size_t body_bytes_max)
    : method_(method), body_bytes_max_(body_bytes_max) {
  Restart();
}

HttpResponseReader::~HttpResponseReader() = default;

void HttpResponseReader::Restart() { parser_ = std::make_unique<Parser>(method_, body_bytes_max_); }

std::size_t HttpResponseReader::Consume(std::string_view bytes) {
  std::size_t taken = 0;
  while (state_ == State::kWanting && taken < bytes.size()) {
    started_ = true;
    const std::string_view rest = bytes.substr(taken);
    if (parser_->is_header_done() && parser_->chunked() && rest.size() < kChunkedBytesMin) break;
    error_code error;
    const std::size_t put = parser_->put({rest.data(), rest.size()}, error);
    taken += put;
    if (error == http::error::need_more) {
      const std::size_t rest_max = parser_->is_header_done() ? kChunkRestBytesMax : kHeaderBytesMax;
      if (rest.size() - put > rest_max) state_ = State::kFailed;
      if (put == 0) break;
    } else if (error == http::error::body_limit) {
      state_ = State::kTooLarge;
    } else if (error) {
      state_ = State::kFailed;
    } else if (parser_->is_done()) {
      const int status = parser_->response.status;
      if (status >= 200) {
        state_ = State::kComplete;
      } else if (status == 101 || ++interim_answers_ > kInterimAnswersMax) {
        state_ = State::kFailed;  // nobody asked to switch protocols
      } else {
        Restart();
      }
    }
  }
  return taken;
}

void HttpResponseReader::Finish() {
  if (state_ != State::kWanting) return;
  state_ = State::kFailed;
  if (!parser_->got_some() || !parser_->is_header_done()) return;
  error_code error;
  parser_->put_eof(error);
  if (!error && parser_->is_done()) state_ = State::kComplete;
}

bool HttpResponseReader::keep_alive() const { return parser_->keep_alive(); }

HttpResponse HttpResponseReader::Take() {
  CHECK(state_ == State::kComplete);
  return std::move(parser_->response);
}

int HttpResponseReader::status() const {
  return parser_->is_header_done() && parser_->response.status >= 200 ? parser_->response.status
                                                                      : 0;
}

std::string HttpResponseReader::TakeBodySoFar() {
  return std::exchange(parser_->response.body, std::string());
}

}  // namespace postglass::net
