#pragma once

#include <string>

#include "base/clock.h"
#include "net/http.h"

namespace postglass::net {

// How an answer goes over the wire.
struct HttpFraming {
  enum class Body { kLength, kChunked, kUntilClose };
  Body body = Body::kLength;
  bool keep_alive = true;
  bool http_1_0 = false;
  Timestamp date;
};

// Status line and fields with the empty line behind them. Framing fields (Content-Length,
// Transfer-Encoding, Connection, Date) are the server's: a handler's own are left out. Control
// characters in values become blanks, so that no text from outside can end a field.
std::string FormatResponseHead(const HttpResponse& response, const HttpFraming& framing);

// True when an answer of this status never has a body (RFC 9110 §6.4.1).
bool IsBodyless(int status);

}  // namespace postglass::net
