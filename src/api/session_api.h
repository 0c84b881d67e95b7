#pragma once

#include <optional>
#include <string>

#include "access/users.h"
#include "net/http.h"

namespace postglass::api {

// Log-in of the console: a cookie that scripts cannot read and other sites cannot send.
// Thread-safe.
//   POST /api/v2/postglass/login   {"user","password"} → 200 {"user"}, 401, 429
//   POST /api/v2/postglass/logout  → 200
//   GET  /api/v2/postglass/session → 200 {"user"}, 401
class SessionApi {
 public:
  explicit SessionApi(access::Users& users) : users_(users) {}

  net::HttpResponse LogIn(const net::HttpRequest& request);
  net::HttpResponse LogOut(const net::HttpRequest& request);
  net::HttpResponse Show(const net::HttpRequest& request);

  // The user whose session the request carries. Requests that change something must also be
  // same-origin by Sec-Fetch-Site or JSON by content type, which a form of another site cannot be.
  std::optional<std::string> UserOf(const net::HttpRequest& request) const;

 private:
  access::Users& users_;
};

}  // namespace postglass::api
