#include "main/data_directory.h"

#include <fmt/format.h>

#include <charconv>

#include "base/encoding.h"

namespace postglass {
namespace {

constexpr std::uint64_t kSmallFileBytesMax = 4096;
constexpr std::string_view kInstallation = "installation";  // settings kind
constexpr std::string_view kInitialised = "initialised";

Status CheckFormat(FileSystem& fs, const Path& file) {
  if (!fs.Exists(file))
    return fs.WriteFileAtomically(file, fmt::format("{}\n", DataDirectory::kFormat));
  ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(file, kSmallFileBytesMax));
  const std::string_view digits = TrimAscii(text);
  int format = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), format);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("{} does not hold a format number; is this a Postglass data directory? "
                            "If it is, put \"{}\" into that file",
                            file.string(),
                            DataDirectory::kFormat));
  }
  if (format > DataDirectory::kFormat) {
    return Fail(ErrorCode::kUnsupported,
                fmt::format("{} was written by a newer Postglass (format {}, this one knows {}); "
                            "use that version or another --data",
                            file.parent_path().string(),
                            format,
                            DataDirectory::kFormat));
  }
  return {};
}

Result<std::string> ReadOrMakeCliKey(FileSystem& fs, Random& random, const Path& file) {
  if (fs.Exists(file)) {
    ASSIGN_OR_RETURN(const std::string text, fs.ReadFile(file, kSmallFileBytesMax));
    if (TrimAscii(text).size() == 64) return std::string(TrimAscii(text));
  }
  std::string key = random.Hex(32);
  RETURN_IF_ERROR(fs.WriteFileAtomically(file, key + "\n"));
  return key;
}

}  // namespace

Path DataDirectory::DefaultPath(const std::map<std::string, std::string>& environment) {
  const auto get = [&](const char* name) -> std::string {
    const auto found = environment.find(name);
    return found == environment.end() ? "" : found->second;
  };
  if (const std::string data = get("POSTGLASS_DATA"); !data.empty()) return data;
  if (const std::string data = get("XDG_DATA_HOME"); !data.empty()) return Path(data) / "postglass";
  return Path(get("HOME")) / ".local" / "share" / "postglass";
}

Result<std::unique_ptr<DataDirectory>> DataDirectory::OpenForWriting(FileSystem& fs,
                                                                     Random& random,
                                                                     const Path& path) {
  std::unique_ptr<DataDirectory> directory(new DataDirectory);
  directory->path_ = path;
  RETURN_IF_ERROR(fs.CreateDirectories(path));
  auto lock = fs.Lock(path / "lock");
  if (!lock) {
    if (lock.error().code != ErrorCode::kUnavailable) return Fail(lock.error());
    return Fail(ErrorCode::kUnavailable,
                fmt::format("{} is in use by another Postglass; stop that one or give another "
                            "--data",
                            path.string()));
  }
  directory->lock_ = std::move(*lock);
  RETURN_IF_ERROR(CheckFormat(fs, path / "format"));
  ASSIGN_OR_RETURN(SecretBox box, SecretBox::Open(fs, random, path / "secret.key"));
  directory->secret_box_.emplace(std::move(box));
  ASSIGN_OR_RETURN(directory->settings_,
                   Settings::Open(path / "postglass.db", &directory->damage_));
  ASSIGN_OR_RETURN(const std::optional<std::string> initialised,
                   directory->settings_->Get(kInstallation, kInitialised));
  directory->is_new_ = !initialised.has_value();
  ASSIGN_OR_RETURN(directory->cli_key_, ReadOrMakeCliKey(fs, random, path / "cli.key"));
  return directory;
}

Status DataDirectory::MarkInitialised() {
  RETURN_IF_ERROR(settings_->Put(kInstallation, kInitialised, "{}"));
  is_new_ = false;
  return {};
}

}  // namespace postglass
