#include "main/commands/keys.h"

#include <fmt/format.h>

#include <functional>
#include <memory>

#include "access/key_ring.h"
#include "access/users.h"
#include "api/admin.h"
#include "base/encoding.h"
#include "main/server_client.h"

namespace postglass {
namespace {

// The same operation on a running server or, when none runs, on the data directory itself.
struct Operation {
  std::string method;
  std::string target;
  json::object body;
  std::function<Result<json::object>(api::Admin&)> direct;
};

Result<json::object> Perform(const CommandContext& context,
                             const std::string& data_flag,
                             const Operation& operation) {
  const Path data = context.DataPath(data_flag);
  auto server = ServerClient::Connect(context.fs, data, ServerFlags{});
  if (server) {
    ASSIGN_OR_RETURN(
        json::value answer,
        (*server)->CallJson(operation.method,
                            operation.target,
                            operation.method == "POST" ? json::Serialize(operation.body) : ""));
    return answer.is_object() ? std::move(answer.get_object()) : json::object();
  }
  if (server.error().code != ErrorCode::kUnavailable) return Fail(server.error());
  if (!context.fs.Exists(data / "format")) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("{} is not a Postglass data directory; make one with postglass init "
                            "--data {}",
                            data.string(),
                            data.string()));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<DataDirectory> directory,
                   DataDirectory::OpenForWriting(context.fs, context.random, data));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<access::KeyRing> keys,
      access::KeyRing::Load(
          directory->settings(), directory->secret_box(), context.clock, context.random));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<access::Users> users,
      access::Users::Load(
          directory->settings(), directory->secret_box(), context.clock, context.random));
  api::Admin admin(*keys, *users, context.random);
  return operation.direct(admin);
}

int Show(const Result<json::object>& answer, const std::function<void(const json::object&)>& show) {
  if (!answer) return FailWith(answer.error());
  show(*answer);
  return kExitOk;
}

void ShowJson(const json::value& value) { Print(json::Serialize(value) + "\n"); }

void ShowPassword(const json::object& answer, bool as_json) {
  if (as_json) return ShowJson(answer);
  Print(fmt::format("user {}, password {}\n",
                    json::GetStringOr(answer, "name", ""),
                    json::GetStringOr(answer, "password", "")));
}

}  // namespace

int RunKeysList(const CommandContext& context, const KeysFlags& flags) {
  const Operation operation{"GET", "/api/v2/postglass/keys", {}, [](api::Admin& admin) {
                              return Result<json::object>(admin.ListKeys());
                            }};
  return Show(Perform(context, flags.data, operation), [&](const json::object& answer) {
    const json::array* keys = json::GetArray(answer, "keys");
    if (keys == nullptr) return;
    if (flags.json) return ShowJson(*keys);
    for (const json::value& key : *keys) {
      const json::object& k = key.get_object();
      Print(fmt::format("{:<12} {:<22} {:<16} {}\n",
                        json::GetStringOr(k, "kind", ""),
                        json::GetStringOr(k, "id", ""),
                        json::GetStringOr(k, "name", ""),
                        json::GetStringOr(k, "created", "")));
    }
  });
}

int RunKeysCreate(const CommandContext& context, const KeysFlags& flags) {
  json::object body{{"kind", flags.kind}, {"name", flags.name}};
  if (!flags.actions.empty()) {
    json::array actions;
    for (const std::string& action : flags.actions) actions.emplace_back(action);
    body["actions"] = std::move(actions);
  }
  const Operation operation{"POST", "/api/v2/postglass/keys", body, [&](api::Admin& admin) {
                              return admin.CreateKey(body);
                            }};
  return Show(Perform(context, flags.data, operation), [&](const json::object& answer) {
    if (flags.json) return ShowJson(answer);
    if (const auto key = json::GetString(answer, "key")) {
      Print(fmt::format("{}\n", *key));
    } else {
      Print(fmt::format("AWS_ACCESS_KEY_ID={}\nAWS_SECRET_ACCESS_KEY={}\n",
                        json::GetStringOr(answer, "access_key_id", ""),
                        json::GetStringOr(answer, "secret_access_key", "")));
    }
    if (context.color) Print("It is shown this once; only its hash is kept.\n");
  });
}

int RunKeysRevoke(const CommandContext& context, const KeysFlags& flags) {
  const Operation operation{"DELETE",
                            "/api/v2/postglass/keys/" + PercentEncode(flags.id),
                            {},
                            [&](api::Admin& admin) -> Result<json::object> {
                              RETURN_IF_ERROR(admin.RevokeKey(flags.id));
                              return json::object();
                            }};
  return Show(Perform(context, flags.data, operation),
              [](const json::object&) { Print("revoked\n"); });
}

int RunUsersList(const CommandContext& context, const UsersFlags& flags) {
  const Operation operation{"GET", "/api/v2/postglass/users", {}, [](api::Admin& admin) {
                              return Result<json::object>(admin.ListUsers());
                            }};
  return Show(Perform(context, flags.data, operation), [&](const json::object& answer) {
    const json::array* names = json::GetArray(answer, "users");
    if (names == nullptr) return;
    if (flags.json) return ShowJson(*names);
    for (const json::value& name : *names) Print(std::string(name.get_string()) + "\n");
  });
}

int RunUsersCreate(const CommandContext& context, const UsersFlags& flags) {
  const json::object body{{"name", flags.name}, {"password", flags.password}};
  const Operation operation{"POST", "/api/v2/postglass/users", body, [&](api::Admin& admin) {
                              return admin.CreateUser(body);
                            }};
  return Show(Perform(context, flags.data, operation),
              [&](const json::object& answer) { ShowPassword(answer, flags.json); });
}

int RunUsersPassword(const CommandContext& context, const UsersFlags& flags) {
  const json::object body{{"name", flags.name}, {"password", flags.password}};
  const Operation operation{
      "POST", "/api/v2/postglass/users/password", body, [&](api::Admin& admin) {
        return admin.SetPassword(body);
      }};
  return Show(Perform(context, flags.data, operation),
              [&](const json::object& answer) { ShowPassword(answer, flags.json); });
}

int RunUsersRemove(const CommandContext& context, const UsersFlags& flags) {
  const Operation operation{"DELETE",
                            "/api/v2/postglass/users/" + PercentEncode(flags.name),
                            {},
                            [&](api::Admin& admin) -> Result<json::object> {
                              RETURN_IF_ERROR(admin.RemoveUser(flags.name));
                              return json::object();
                            }};
  return Show(Perform(context, flags.data, operation),
              [](const json::object&) { Print("removed\n"); });
}

}  // namespace postglass
