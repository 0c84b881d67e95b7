#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "base/json.h"
#include "base/result.h"
#include "net/http_client.h"

namespace postglass {

// Which server a command talks to, as the flags say it.
struct ServerFlags {
  std::string url;              // --url; empty: the server of the data directory
  std::string api_key;          // --api-key, for --url
  std::string application_key;  // --application-key, for --url
};

// How the command line reaches a server: by URL and keys, or by DIR/listening.json and DIR/cli.key
// of a server on this machine, so that a pasted command works.
class ServerClient {
 public:
  // `data` is the resolved data directory. Errors: kUnavailable when no server runs on it,
  // kPermissionDenied when its key cannot be read.
  static Result<std::unique_ptr<ServerClient>> Connect(FileSystem& fs,
                                                       const Path& data,
                                                       const ServerFlags& flags);

  const std::string& url() const { return url_; }

  const std::string& smtp() const { return smtp_; }

  net::HttpClient& http() { return *client_; }

  const net::Headers& headers() const { return headers_; }  // what authenticates a request

  // One request to the server. A status of 400 or more comes back as an error whose message is what
  // the server said: kInvalidArgument (4xx), kUnauthenticated (401, 403), kNotFound (404),
  // kUnavailable (429, 5xx).
  Result<net::HttpResponse> Call(std::string method,
                                 std::string_view target,
                                 std::string body = "");
  Result<json::value> CallJson(std::string method, std::string_view target, std::string body = "");

 private:
  ServerClient() = default;

  std::unique_ptr<net::HttpClient> client_;
  std::string url_;
  std::string smtp_;
  net::Headers headers_;
};

// The same error with what the server said instead of the body it said it in.
Error WithReadableMessage(Error error);

// The header by which the command line shows DIR/cli.key.
inline constexpr std::string_view kCliKeyHeader = "X-Postglass-Cli-Key";

}  // namespace postglass
