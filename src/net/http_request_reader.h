#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http.h"

namespace postglass::net {

// Reads one HTTP/1.x request from bytes as they arrive, one after the other on a connection.
// Framing and fields are parsed by Boost.Beast's push parser; before that, each line of the head is
// checked more strictly than Beast does, because whatever two parsers on a path read differently
// can smuggle a second request past the first (RFC 9112 §11.2). Not thread-safe.
class HttpRequestReader {
 public:
  struct Limits {
    std::size_t header_bytes_max = 64 << 10;
    std::size_t body_bytes_max = 64 << 20;  // as received, after transfer decoding
  };

  enum class State {
    kHead,      // collecting the head
    kBody,      // head done, body wanted
    kComplete,  // Take() it
    kFailed,    // answer error_status() and close
  };

  explicit HttpRequestReader(Limits limits);
  ~HttpRequestReader();

  // Takes bytes off the front of `bytes` and returns how many. What it leaves must be the beginning
  // of the next call's `bytes`, followed by more: a head is taken whole, for instance. Call it
  // again at once while it returns more than 0 and state() is kHead or kBody.
  std::size_t Consume(std::string_view bytes);

  State state() const { return state_; }

  // With kFailed: what to answer (400, 413, 414, 417, 431, 501, 505) and why, in a few words.
  int error_status() const { return error_status_; }

  std::string_view error_reason() const { return error_reason_; }

  // From kBody on.
  bool expects_continue() const;
  bool keep_alive() const;  // the client wants the connection to stay open
  bool http_1_0() const;
  bool is_head() const;            // HEAD was asked; the request says GET
  std::size_t body_bytes() const;  // so far

  // Gives the memory back once no more than the error is wanted.
  void DropBody();
  // Requires kComplete. Ready for the next request afterwards.
  HttpRequest Take();

 private:
  class Parser;
  struct Head;

  std::size_t ConsumeHead(std::string_view bytes);
  bool CheckRequestLine(std::string_view line);
  bool CheckFieldLine(std::string_view line);
  bool CheckHead();
  bool Fail(int status, std::string_view reason);  // always false

  const Limits limits_;
  State state_ = State::kHead;
  int error_status_ = 0;
  std::string_view error_reason_;
  std::unique_ptr<Head> head_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace postglass::net
