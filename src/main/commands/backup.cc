#include "main/commands/backup.h"

#include <fmt/format.h>

#include "base/json.h"
#include "main/backup.h"
#include "main/commands/progress.h"

namespace postglass {
namespace {

BackupProgress Show(ProgressLine& line) {
  return [&line](std::uint64_t done, std::uint64_t total) { line.Update(done, total); };
}

}  // namespace

int RunBackup(const CommandContext& context, const BackupFlags& flags) {
  const Result<BackupReport> report = [&] {
    ProgressLine line(context.clock, "backup");
    return MakeBackup(
        context.fs, context.clock, context.DataPath(flags.data), flags.to, Show(line));
  }();
  if (!report) return FailWith(report.error());
  if (flags.json) {
    Print(json::Serialize(json::object{{"path", report->path.string()},
                                       {"files", report->files},
                                       {"bytes", report->bytes},
                                       {"copied_bytes", report->copied_bytes}}) +
          "\n");
  } else {
    Print(fmt::format(
        "{}\n{} files, {}, of which {} were copied and the rest linked.\n"
        "It holds the key of what is encrypted: keep it as safe as the data directory.\n"
        "Restore it with: postglass restore {} --data NEW_DIRECTORY\n",
        report->path.string(),
        report->files,
        BytesText(report->bytes),
        BytesText(report->copied_bytes),
        report->path.string()));
  }
  return kExitOk;
}

int RunVerifyBackup(const CommandContext& context, const BackupFlags& flags) {
  const Result<BackupCheck> check = [&] {
    ProgressLine line(context.clock, "verify");
    return VerifyBackup(context.fs, flags.backup, Show(line));
  }();
  if (!check) return FailWith(check.error());
  for (const std::string& sentence : check->wrong) Print(sentence + "\n");
  if (!check->wrong.empty()) {
    return FailWith(
        {ErrorCode::kCorruption,
         fmt::format(
             "{} of {} files are damaged; use another backup", check->wrong.size(), check->files)});
  }
  Print(fmt::format(
      "{} files, {}: all as they were backed up.\n", check->files, BytesText(check->bytes)));
  return kExitOk;
}

int RunRestore(const CommandContext& context, const BackupFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const Status restored = [&] {
    ProgressLine line(context.clock, "restore");
    return RestoreBackup(context.fs, flags.backup, data, Show(line));
  }();
  if (!restored) return FailWith(restored.error());
  Print(fmt::format(
      "{} is restored. Start it with: postglass serve --data {}\n", data.string(), data.string()));
  return kExitOk;
}

}  // namespace postglass
