#pragma once

#include <string>

#include "main/commands/context.h"

namespace postglass {

struct BackupFlags {
  std::string data;
  std::string to;      // backup: the directory of all backups
  std::string backup;  // restore, --verify: one of them
  bool json = false;
};

// Beside a running server or without one.
int RunBackup(const CommandContext& context, const BackupFlags& flags);
// Reads a backup whole and says what is wrong with it; 1 when anything is.
int RunVerifyBackup(const CommandContext& context, const BackupFlags& flags);
int RunRestore(const CommandContext& context, const BackupFlags& flags);

}  // namespace postglass
