#pragma once

#include <chrono>
#include <functional>
#include <string_view>

#include "base/result.h"
#include "net/http_client.h"

namespace postglass::net {

// Asks for an answer that does not end by itself (server-sent events) and hands on its body as it
// comes. Blocks until the server ends it, `take` returns false, or nothing came for `silence_max`.
// An answer other than 200 is an error of the code that fits, with its body as the message. Of the
// request, method, body and response_bytes_max are ignored; `timeout` holds until the first byte.
// Other errors: those of HttpClient::Send.
Status StreamGet(const TrustOptions& trust,
                 const HttpClient::Request& request,
                 std::chrono::milliseconds silence_max,
                 const std::function<bool(std::string_view piece)>& take);

}  // namespace postglass::net
