#pragma once

#include "api/admin.h"
#include "net/http.h"

namespace postglass::api {

// Keys and users over HTTP; who may call it is the router's business. Thread-safe.
//   GET, POST /api/v2/postglass/keys           DELETE /api/v2/postglass/keys/ID
//   GET, POST /api/v2/postglass/users          DELETE /api/v2/postglass/users/NAME
//   POST      /api/v2/postglass/users/password
class AdminApi {
 public:
  explicit AdminApi(Admin& admin) : admin_(admin) {}

  // Whether the path is one of ours.
  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  Admin& admin_;
};

}  // namespace postglass::api
