#pragma once

#include <map>
#include <string>
#include <vector>

#include "main/commands/context.h"

namespace postglass {

struct ServeFlags {
  std::string data;
  std::string config;                          // --config; empty: DIR/postglass.toml
  std::map<std::string, std::string> options;  // listeners, --public-url and --set, by option key
  bool demo = false;                           // with life-like mail
};

// Runs until SIGINT or SIGTERM, then drains. SIGHUP reads the TLS files again.
int RunServe(const CommandContext& context, const ServeFlags& flags);

struct InitFlags {
  std::string data;
  bool json = false;
  std::string region = "us-east-1";
  std::string account = "000000000000";
  bool bare = false;  // no resources
};

// Makes the data directory and prints its credentials, which it does only once.
int RunInit(const CommandContext& context, const InitFlags& flags);

}  // namespace postglass
