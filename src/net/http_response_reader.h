#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "net/http.h"

namespace postglass::net {

// Reads the answer to one request from bytes as they arrive, by Boost.Beast's push parser. Interim
// answers (1xx) are skipped. Not thread-safe.
class HttpResponseReader {
 public:
  enum class Method { kHead, kOther };  // an answer to HEAD has no body
  enum class State { kWanting, kComplete, kTooLarge, kFailed };

  HttpResponseReader(Method method, std::size_t body_bytes_max);
  ~HttpResponseReader();

  // Takes bytes off the front of `bytes` and returns how many; what it leaves must be the beginning
  // of the next call's `bytes`, followed by more.
  std::size_t Consume(std::string_view bytes);
  // The server has closed: the end of a body without length, or a truncation (kFailed).
  void Finish();

  State state() const { return state_; }

  // Any byte of an answer has come.
  bool started() const { return started_; }

  // Once complete: whether the server will take another request on this connection.
  bool keep_alive() const;

  HttpResponse Take();  // requires kComplete

  int status() const;           // 0 before the status line of a final answer
  std::string TakeBodySoFar();  // what came since the last call

 private:
  class Parser;
  void Restart();

  const Method method_;
  const std::size_t body_bytes_max_;
  State state_ = State::kWanting;
  bool started_ = false;
  int interim_answers_ = 0;
  std::unique_ptr<Parser> parser_;
};

}  // namespace postglass::net
