#pragma once

#include <string>

#include "main/commands/context.h"

// Looking after the events of a data directory.

namespace postglass {

struct StoreCareFlags {
  std::string data;
  bool json = false;
  std::string segment;  // of inspect: one only
  std::string address;  // of erase
  bool yes = false;     // of erase: do not ask
};

// Every checksum of the store, and whether its files agree. Needs the server stopped.
int RunVerifyStore(const CommandContext& context, const StoreCareFlags& flags);
// Moves what is damaged aside, keeps the rest, says what is lost. Needs the server stopped.
int RunRepairStore(const CommandContext& context, const StoreCareFlags& flags);
// What the segments are made of: bytes by column, encodings. Beside a running server too.
int RunInspectStore(const CommandContext& context, const StoreCareFlags& flags);
// Removes every event that holds an address, on the running server or in the directory itself.
int RunErase(const CommandContext& context, const StoreCareFlags& flags);

}  // namespace postglass
