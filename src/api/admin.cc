#include "api/admin.h"

#include <fmt/format.h>

#include "base/time_format.h"

namespace postglass::api {
namespace {

std::string_view KindName(access::KeyInfo::Kind kind) {
  switch (kind) {
    case access::KeyInfo::Kind::kAws:
      return "aws";
    case access::KeyInfo::Kind::kApi:
      return "api";
    case access::KeyInfo::Kind::kApplication:
      return "application";
  }
  return "";
}

}  // namespace

json::object Admin::ListKeys() const {
  json::array keys;
  for (const access::KeyInfo& key : keys_.List()) {
    keys.push_back(json::object{{"kind", KindName(key.kind)},
                                {"id", key.id},
                                {"name", key.name},
                                {"created", FormatIso8601Millis(key.created_at)}});
  }
  return {{"keys", std::move(keys)}};
}

Result<json::object> Admin::CreateKey(const json::object& request) {
  const std::string kind = json::GetStringOr(request, "kind", "");
  const std::string name = json::GetStringOr(request, "name", "default");
  if (kind == "api") {
    ASSIGN_OR_RETURN(const std::string key, keys_.CreateApiKey(name));
    return json::object{{"kind", kind}, {"key", key}};
  }
  if (kind == "application") {
    ASSIGN_OR_RETURN(const std::string key, keys_.CreateApplicationKey(name));
    return json::object{{"kind", kind}, {"key", key}};
  }
  if (kind == "aws") {
    std::vector<std::string> actions;
    if (const json::array* wanted = json::GetArray(request, "actions")) {
      for (const json::value& action : *wanted) {
        if (action.is_string()) actions.emplace_back(action.get_string());
      }
    }
    if (actions.empty()) actions.emplace_back("*");
    ASSIGN_OR_RETURN(const aws::Credential key, keys_.CreateAwsKey(name, std::move(actions)));
    return json::object{{"kind", kind},
                        {"access_key_id", key.access_key_id},
                        {"secret_access_key", key.secret_access_key}};
  }
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("a key is of kind api, application or aws, not \"{}\"", kind));
}

Status Admin::RevokeKey(std::string_view id) { return keys_.Revoke(id); }

json::object Admin::ListUsers() const {
  json::array names;
  for (const std::string& name : users_.List()) names.emplace_back(name);
  return {{"users", std::move(names)}};
}

Result<json::object> Admin::CreateUser(const json::object& request) {
  const std::string name = json::GetStringOr(request, "name", "");
  std::string password = json::GetStringOr(request, "password", "");
  if (password.empty()) password = access::Users::MakePassword(random_);
  RETURN_IF_ERROR(users_.Create(name, password));
  return json::object{{"name", name}, {"password", password}};
}

Result<json::object> Admin::SetPassword(const json::object& request) {
  const std::string name = json::GetStringOr(request, "name", "");
  std::string password = json::GetStringOr(request, "password", "");
  if (password.empty()) password = access::Users::MakePassword(random_);
  RETURN_IF_ERROR(users_.SetPassword(name, password));
  return json::object{{"name", name}, {"password", password}};
}

Status Admin::RemoveUser(const std::string& name) { return users_.Remove(name); }

}  // namespace postglass::api
