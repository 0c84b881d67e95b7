#pragma once

#include <string>

#include "main/commands/context.h"
#include "main/server_client.h"

namespace postglass {

struct ImportFlags {
  std::string file;   // "-": standard input
  std::string state;  // where it is noted how far it came; empty: FILE.import-state
  std::string data;
  ServerFlags server;
};

// Sends a file of logs, one JSON object a line, through the log intake: of the running server, of
// another one by URL and API key (any Datadog-compatible one), or of the data directory itself.
int RunImport(const CommandContext& context, const ImportFlags& flags);

}  // namespace postglass
