#include "functions/zip_archive.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <memory>
#include <set>

namespace postglass::functions {
namespace {

constexpr std::size_t kPieceBytes = 64 << 10;
// The upper half of the external attributes of an archive made on Unix is st_mode.
constexpr std::uint32_t kModeShift = 16;
constexpr std::uint32_t kTypeMask = 0170000;
constexpr std::uint32_t kTypeLink = 0120000;
constexpr std::uint32_t kExecutableBits = 0111;
constexpr std::size_t kNameBytesMax = 255;  // of one part of a path, as file systems have it

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// A path that stays below the directory it is put into.
bool IsInside(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos ||
      path.find('\\') != std::string_view::npos) {
    return false;
  }
  for (;;) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > kNameBytesMax) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

struct Closer {
  void operator()(zip_t* archive) const { zip_discard(archive); }

  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

using Archive = std::unique_ptr<zip_t, Closer>;
using File = std::unique_ptr<zip_file_t, Closer>;

Result<Archive> Open(std::string_view bytes) {
  zip_error_t error;
  zip_error_init(&error);
  const auto failed = [&error] {
    Error e = Invalid(fmt::format("could not unzip: {}", zip_error_strerror(&error)));
    zip_error_fini(&error);
    return e;
  };
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) return Fail(failed());
  zip_t* archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error);
  if (archive == nullptr) {
    zip_source_free(source);
    return Fail(failed());
  }
  zip_error_fini(&error);
  return Archive(archive);
}

Result<std::string> ReadContent(zip_t& archive,
                                zip_uint64_t index,
                                const std::string& path,
                                std::uint64_t bytes_max) {
  const File file(zip_fopen_index(&archive, index, 0));
  if (!file) {
    return Fail(Invalid(fmt::format("could not unzip {}: {}", path, zip_strerror(&archive))));
  }
  std::string content;
  for (;;) {
    const std::size_t begin = content.size();
    content.resize(begin + kPieceBytes);
    const zip_int64_t got = zip_fread(file.get(), content.data() + begin, kPieceBytes);
    if (got < 0) return Fail(Invalid(fmt::format("could not unzip {}: it is damaged", path)));
    content.resize(begin + static_cast<std::size_t>(got));
    if (content.size() > bytes_max) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("unzipped size is larger than {} bytes at {}", bytes_max, path));
    }
    if (got == 0) return content;
  }
}

}  // namespace

Status ReadZip(std::string_view bytes,
               const ZipLimits& limits,
               const std::function<Status(const ZipEntry&)>& take) {
  ASSIGN_OR_RETURN(const Archive archive, Open(bytes));
  const zip_int64_t entries = zip_get_num_entries(archive.get(), 0);
  if (entries == 0) return Fail(Invalid("uploaded file must be a non-empty zip"));
  if (entries < 0 || static_cast<std::uint64_t>(entries) > limits.files_max) {
    return Fail(ErrorCode::kLimit, fmt::format("the archive has {} files", entries));
  }
  std::uint64_t bytes_left = limits.bytes_max;
  std::set<std::string, std::less<>> seen;
  for (zip_uint64_t index = 0; index < static_cast<zip_uint64_t>(entries); ++index) {
    const char* name = zip_get_name(archive.get(), index, ZIP_FL_ENC_GUESS);
    ZipEntry entry;
    if (name != nullptr) entry.path = name;
    const bool is_directory = entry.path.ends_with('/');
    const std::string_view inside =
        std::string_view(entry.path)
            .substr(0, entry.path.size() - (is_directory ? std::size_t{1} : std::size_t{0}));
    if (entry.path.size() > limits.path_bytes_max || !IsInside(inside)) {
      return Fail(Invalid(fmt::format("the archive has a path that is not allowed: \"{}\"",
                                      entry.path.substr(0, kNameBytesMax))));
    }
    if (is_directory) continue;
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_file_get_external_attributes(archive.get(), index, 0, &system, &attributes);
    if (system == ZIP_OPSYS_UNIX || system == ZIP_OPSYS_OS_X) {
      const std::uint32_t mode = attributes >> kModeShift;
      if ((mode & kTypeMask) == kTypeLink) {
        return Fail(Invalid(fmt::format("{} is a symbolic link", entry.path)));
      }
      entry.executable = (mode & kExecutableBits) != 0;
    }
    if (!seen.insert(entry.path).second) {
      return Fail(Invalid(fmt::format("the archive has {} twice", entry.path)));
    }
    ASSIGN_OR_RETURN(
        entry.content,
        ReadContent(*archive, index, entry.path, std::min(limits.file_bytes_max, bytes_left)));
    bytes_left -= entry.content.size();
    RETURN_IF_ERROR(take(entry));
  }
  return {};
}

}  // namespace postglass::functions
