#include "net/http_request_reader.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/encoding.h"
#include "net/chunked.h"
#include "net/http_client.h"
#include "net/http_syntax.h"

namespace postglass::net {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

constexpr std::size_t kFieldsMax = 256;
constexpr std::size_t kTargetBytesMax = 32 << 10;  // presigned and search URLs are long
// Chunk extensions mean nothing to anybody; the length keeps them from being a second channel.
constexpr std::size_t kChunkExtensionBytesMax = 256;
// How much of an announced body is set aside before any of it has come.
constexpr std::uint64_t kBodyReserveMax = 256 << 10;

std::string_view View(string_view text) { return {text.data(), text.size()}; }

}  // namespace

// What the lines of a head say, as far as framing and routing depend on it.
struct HttpRequestReader::Head {
  std::size_t line_start = 0;  // of the line being collected
  std::size_t searched = 0;    // no line end between line_start and here
  bool skipped_empty_line = false;
  bool has_request_line = false;
  std::size_t fields = 0;
  int hosts = 0;
  int content_lengths = 0;
  std::uint64_t content_length = 0;
  std::string transfer_encoding;
  int transfer_encodings = 0;
  bool expects_continue = false;
  bool http_1_0 = false;
  bool is_head = false;
};

// Beast's parser, writing straight into our request.
class HttpRequestReader::Parser final : public http::basic_parser<true> {
 public:
  explicit Parser(const Limits& limits) {
    // The head was measured before; this bounds the trailer.
    header_limit(static_cast<std::uint32_t>(std::max(limits.header_bytes_max, kChunkRestBytesMax)));
    body_limit(limits.body_bytes_max);
    eager(true);
  }

  HttpRequest request;

 private:
  void on_request_impl(
      http::verb, string_view method, string_view target, int, error_code&) override {
    request.method = View(method);
    request.target = View(target);
  }

  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(http::field, string_view name, string_view value, error_code&) override {
    // Trailer fields are dropped: a client could set with them what a proxy before us has checked.
    if (!in_trailer_) request.headers.Add(std::string(View(name)), std::string(View(value)));
  }

  void on_header_impl(error_code&) override { in_trailer_ = true; }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    if (length) request.body.reserve(static_cast<std::size_t>(std::min(*length, kBodyReserveMax)));
  }

  std::size_t on_body_impl(string_view piece, error_code&) override {
    request.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_chunk_header_impl(std::uint64_t, string_view extension, error_code& error) override {
    if (extension.empty()) return;
    // Beast allows blanks behind the size, which others read as a part of it.
    if (extension.front() != ';' || extension.size() > kChunkExtensionBytesMax) {
      error = http::error::bad_chunk_extension;
    }
  }

  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
    request.body.append(piece.data(), piece.size());
    return piece.size();
  }

  void on_finish_impl(error_code&) override {}

  bool in_trailer_ = false;
};

HttpRequestReader::HttpRequestReader(Limits limits)
    : limits_(limits), head_(std::make_unique<Head>()) {}

HttpRequestReader::~HttpRequestReader() = default;

bool HttpRequestReader::expects_continue() const { return head_->expects_continue; }

bool HttpRequestReader::keep_alive() const {
  return parser_ != nullptr && parser_->is_header_done() && parser_->keep_alive();
}

bool HttpRequestReader::http_1_0() const { return head_->http_1_0; }

bool HttpRequestReader::is_head() const { return head_->is_head; }

std::size_t HttpRequestReader::body_bytes() const {
  return parser_ == nullptr ? 0 : parser_->request.body.size();
}

bool HttpRequestReader::Fail(int status, std::string_view reason) {
  state_ = State::kFailed;
  error_status_ = status;
  error_reason_ = reason;
  return false;
}

std::size_t HttpRequestReader::Consume(std::string_view bytes) {
  if (state_ == State::kHead) return ConsumeHead(bytes);
  if (state_ != State::kBody || bytes.empty()) return 0;
  if (parser_->chunked() && bytes.size() < kChunkedBytesMin) return 0;
  error_code error;
  const std::size_t taken = parser_->put({bytes.data(), bytes.size()}, error);
  if (error == http::error::need_more) {
    if (bytes.size() - taken > kChunkRestBytesMax) Fail(400, "chunk line or trailer too long");
  } else if (error == http::error::body_limit) {
    Fail(413, "body too large");
  } else if (error) {
    Fail(400, "bad chunked body");
  } else if (parser_->is_done()) {
    state_ = State::kComplete;
  }
  return taken;
}

// Checks the head line by line, and hands it to Beast once it is there as a whole.
std::size_t HttpRequestReader::ConsumeHead(std::string_view bytes) {
  Head& head = *head_;
  if (bytes.empty()) return 0;
  if (head.line_start == 0 && !head.has_request_line) {
    // RFC 9112 §2.2: one empty line before the request line, left over by old clients, is ignored.
    if (!head.skipped_empty_line && bytes.starts_with("\r\n")) {
      head.skipped_empty_line = true;
      return 2;
    }
    // A TLS greeting on a plain port need not contain a line end to be recognised.
    if (bytes != "\r" && !IsTokenCharacter(bytes.front())) {
      Fail(400, "not a request");
      return 0;
    }
  }
  for (;;) {
    const std::size_t line_feed = bytes.find('\n', head.searched);
    const std::size_t seen = line_feed == std::string_view::npos ? bytes.size() : line_feed + 1;
    if (seen > limits_.header_bytes_max) {
      head.has_request_line ? Fail(431, "header too large") : Fail(414, "target too long");
      return 0;
    }
    head.searched = seen;
    if (line_feed == std::string_view::npos) return 0;
    const std::string_view line = bytes.substr(head.line_start, line_feed - head.line_start);
    if (!line.ends_with('\r')) {
      Fail(400, "line feed without carriage return");
      return 0;
    }
    head.line_start = line_feed + 1;
    if (line.size() == 1) break;
    const std::string_view text = line.substr(0, line.size() - 1);
    if (!(head.has_request_line ? CheckFieldLine(text) : CheckRequestLine(text))) return 0;
  }
  if (!CheckHead()) return 0;

  parser_ = std::make_unique<Parser>(limits_);
  error_code error;
  const std::size_t taken = parser_->put({bytes.data(), head.line_start}, error);
  if ((error && error != http::error::need_more) || taken != head.line_start ||
      !parser_->is_header_done()) {
    // Beast and the checks above disagree about this head: the very thing to be afraid of.
    Fail(400, "bad header");
    return 0;
  }
  state_ = parser_->is_done() ? State::kComplete : State::kBody;
  return taken;
}

bool HttpRequestReader::CheckRequestLine(std::string_view line) {
  Head& head = *head_;
  head.has_request_line = true;
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return Fail(400, "bad request line");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method)) return Fail(400, "bad method");
  if (target.empty() || !std::all_of(target.begin(), target.end(), IsTargetCharacter)) {
    return Fail(400, "bad target");
  }
  if (target.size() > kTargetBytesMax) return Fail(414, "target too long");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return version.starts_with("HTTP/") ? Fail(505, "not HTTP/1.1") : Fail(400, "bad version");
  }
  head.http_1_0 = version == "HTTP/1.0";
  const bool upper =
      std::none_of(method.begin(), method.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  // CONNECT would make a tunnel, TRACE would show a page's script its own credentials.
  if (!upper || method == "CONNECT" || method == "TRACE") return Fail(501, "unknown method");
  head.is_head = method == "HEAD";
  const bool is_origin = target.starts_with('/');
  const bool is_asterisk = target == "*" && method == "OPTIONS";
  const bool is_absolute = target.find("://") != std::string_view::npos && ParseUrl(target);
  if (!is_origin && !is_asterisk && !is_absolute) return Fail(400, "bad target");
  return true;
}

bool HttpRequestReader::CheckFieldLine(std::string_view line) {
  Head& head = *head_;
  if (++head.fields > kFieldsMax) return Fail(431, "too many header fields");
  if (line.front() == ' ' || line.front() == '\t') return Fail(400, "folded header field");
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return Fail(400, "header field without colon");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = TrimAscii(line.substr(colon + 1));
  // A blank before the colon is no token character either.
  if (!IsToken(name)) return Fail(400, "bad header field name");
  if (!IsFieldValue(line.substr(colon + 1))) return Fail(400, "bad header field value");

  if (EqualsIgnoreAsciiCase(name, "host")) {
    ++head.hosts;
    if (!std::all_of(value.begin(), value.end(), IsAuthorityCharacter))
      return Fail(400, "bad host");
  } else if (EqualsIgnoreAsciiCase(name, "content-length")) {
    ++head.content_lengths;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, head.content_length);
    if (error != std::errc() || stop != end) return Fail(400, "bad content-length");
  } else if (EqualsIgnoreAsciiCase(name, "transfer-encoding")) {
    ++head.transfer_encodings;
    head.transfer_encoding = AsciiLower(value);
  } else if (EqualsIgnoreAsciiCase(name, "expect")) {
    if (!EqualsIgnoreAsciiCase(value, "100-continue")) return Fail(417, "unknown expectation");
    head.expects_continue = true;
  }
  return true;
}

// What only the head as a whole shows (RFC 9112 §3.2, §6.3).
bool HttpRequestReader::CheckHead() {
  Head& head = *head_;
  if (!head.has_request_line) return Fail(400, "bad request line");
  if (head.hosts > 1 || (head.hosts == 0 && !head.http_1_0)) return Fail(400, "not one host");
  if (head.content_lengths > 1) return Fail(400, "several content-lengths");
  if (head.transfer_encodings > 0) {
    if (head.content_lengths > 0) return Fail(400, "content-length and transfer-encoding");
    if (head.http_1_0) return Fail(400, "transfer-encoding in HTTP/1.0");
    if (head.transfer_encodings > 1) return Fail(400, "several transfer-encodings");
    if (head.transfer_encoding != "chunked") return Fail(501, "unknown transfer-encoding");
  }
  if (head.content_length > limits_.body_bytes_max) return Fail(413, "body too large");
  if (head.http_1_0) head.expects_continue = false;  // RFC 9110 §10.1.1
  return true;
}

void HttpRequestReader::DropBody() {
  parser_.reset();
  state_ = State::kFailed;
}

HttpRequest HttpRequestReader::Take() {
  CHECK(state_ == State::kComplete);
  HttpRequest request = std::move(parser_->request);
  if (head_->is_head) request.method = "GET";
  if (!request.target.starts_with('/') && request.target != "*") {
    // Absolute form: its authority overrules the Host field (RFC 9112 §3.2.2).
    if (const Result<Url> url = ParseUrl(request.target)) {
      request.target = url->target;
      request.headers.Set("Host", url->authority());
    }
  }
  parser_.reset();
  *head_ = Head{};
  state_ = State::kHead;
  return request;
}

}  // namespace postglass::net
