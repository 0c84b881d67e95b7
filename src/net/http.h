#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

// HTTP messages as the stages see them. No sockets here.

namespace postglass::net {

// Header fields in the order received. Names compare without regard to case (RFC 9110 §5.1).
class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;

  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void Add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }

  void Set(std::string_view name, std::string value);  // replaces all of that name
  void Remove(std::string_view name);
  std::optional<std::string_view> Find(std::string_view name) const;  // the first

  std::string_view Get(std::string_view name) const { return Find(name).value_or(""); }

  auto begin() const { return fields_.begin(); }

  auto end() const { return fields_.end(); }

  bool empty() const { return fields_.empty(); }

  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<Field> fields_;
};

struct HttpRequest {
  std::string method;  // upper case; HEAD arrives as GET and the server drops the body
  std::string target;  // origin form as received: path and query, undecoded
  Headers headers;
  std::string body;          // as received after transfer decoding; content coding untouched
  std::string peer_address;  // numeric IP of the client
  bool over_tls = false;
  // True once the client has gone or the server stops: a long query asks and gives up. Empty when
  // nobody can go (loopback). Only the handler's thread may call it, and only within its call.
  std::function<bool()> abandoned;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }

  std::string_view query() const {  // behind '?', undecoded; empty when there is none
    const std::size_t at = target.find('?');
    return at == std::string::npos ? std::string_view() : std::string_view(target).substr(at + 1);
  }
};

// Receives the pieces of a streamed body. Not thread-safe.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;
  // Blocks while the client is slow. False when it has gone or the server stops: produce no more.
  virtual bool Write(std::string_view piece) = 0;
  // True once the client has gone, without writing.
  virtual bool Gone() = 0;
};

struct HttpResponse;
// Gives a request its answer. Called once, on any thread.
using HttpRespond = std::function<void(HttpResponse)>;

struct HttpResponse {
  int status = 200;
  Headers headers;
  std::string body;
  // When set, called on the worker after the headers went out; its pieces are the body (chunked).
  std::function<void(BodyWriter&)> stream;
  // When set, the answer is not known yet and everything else here means nothing. Called once, on
  // the handler's thread right after its return; the answer is what it passes to `respond`, at once
  // or later, and has neither `stream` nor `later`. When it throws, `respond` was not called and
  // never will be. A handler that waits for the disk holds no thread this way.
  std::function<void(HttpRespond respond)> later;
};

// The answer itself: when it comes later, waits for it. Not on an event loop.
HttpResponse AwaitAnswer(HttpResponse response);

// Runs on a worker thread and may block. Must be thread-safe. Must not throw.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

HttpResponse TextResponse(int status, std::string text);       // text/plain; charset=utf-8
HttpResponse JsonResponse(int status, std::string json_text);  // application/json
std::string_view HttpReason(int status);                       // "Not Found"

// key=value pairs of a query string or form body, form-decoded, in order.
// Errors: kLimit above 10,000 pairs.
Result<std::vector<std::pair<std::string, std::string>>> ParseForm(std::string_view text);
// First value of `key` in `pairs`.
std::optional<std::string_view> FindParam(
    const std::vector<std::pair<std::string, std::string>>& pairs, std::string_view key);

// Undoes Content-Encoding: identity, gzip, deflate (zlib or raw), zstd, zstd1; a list is undone
// from the right, two at most. Never produces more than `bytes_max`.
// Errors: kLimit (would inflate beyond bytes_max), kInvalidArgument (not that coding, truncated),
// kUnsupported (unknown coding).
Result<std::string> DecodeContent(std::string_view coding,
                                  std::string_view body,
                                  std::size_t bytes_max);
Result<std::string> GzipCompress(std::string_view body, int level = 6);

}  // namespace postglass::net
