#pragma once

#include <string>
#include <vector>

#include "main/commands/context.h"

namespace postglass {

struct KeysFlags {
  std::string data;
  bool json = false;
  std::string kind;  // create: api, application, aws
  std::string name = "default";
  std::vector<std::string> actions;  // create aws: what it may call; empty: everything
  std::string id;                    // revoke
};

// Against the running server, else directly in the data directory.
int RunKeysList(const CommandContext& context, const KeysFlags& flags);
int RunKeysCreate(const CommandContext& context, const KeysFlags& flags);
int RunKeysRevoke(const CommandContext& context, const KeysFlags& flags);

struct UsersFlags {
  std::string data;
  bool json = false;
  std::string name;
  std::string password;  // empty: one is made and printed
};

int RunUsersList(const CommandContext& context, const UsersFlags& flags);
int RunUsersCreate(const CommandContext& context, const UsersFlags& flags);
int RunUsersPassword(const CommandContext& context, const UsersFlags& flags);
int RunUsersRemove(const CommandContext& context, const UsersFlags& flags);

}  // namespace postglass
