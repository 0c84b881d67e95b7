#pragma once

#include "access/key_ring.h"
#include "access/users.h"
#include "base/json.h"
#include "base/result.h"

namespace postglass::api {

// Keys and users as operations on JSON: the HTTP API and the command line without a server do the
// very same. Thread-safe.
class Admin {
 public:
  Admin(access::KeyRing& keys, access::Users& users, Random& random)
      : keys_(keys), users_(users), random_(random) {}

  // {"keys":[{"kind","id","name","created"}]}
  json::object ListKeys() const;
  // {"kind":"api"|"application"|"aws","name",["actions"]} → the key, shown this once:
  // {"kind","key"} or {"kind","access_key_id","secret_access_key"}.
  Result<json::object> CreateKey(const json::object& request);
  Status RevokeKey(std::string_view id);

  // {"users":["admin"]}
  json::object ListUsers() const;
  // {"name",["password"]} → {"name","password"}; without a password one is made.
  Result<json::object> CreateUser(const json::object& request);
  Result<json::object> SetPassword(const json::object& request);
  Status RemoveUser(const std::string& name);

 private:
  access::KeyRing& keys_;
  access::Users& users_;
  Random& random_;
};

}  // namespace postglass::api
