#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_client.h"

namespace postglass::aws {

// Whom a call is made as.
struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token{};  // of temporary ones
};

// Which service is called, as the signature names it.
struct CallScope {
  std::string region;
  std::string service;  // "ses", "sqs"
};

// `request` with the headers of Signature Version 4; every header that it has is signed. Errors:
// kInvalidArgument (its URL).
Result<net::HttpClient::Request> Sign(net::HttpClient::Request request,
                                      const Credentials& credentials,
                                      const CallScope& scope,
                                      Timestamp now);

}  // namespace postglass::aws
