#include "journal/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "journal/frame_scanner.h"

namespace postglass::journal {
namespace {

// When the end of the newest file cannot be read, nobody knows how many records it holds. So many
// sequences are left out, that none is given twice should the disk recover.
constexpr Sequence kUnknownRecordsSkip = Sequence{1} << 32;

constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();

struct ScannedFile {
  FileName name;
  Path path;
  std::uint64_t size_bytes = 0;
  std::optional<FileHeader> header;
  std::vector<FrameScanner::Item> items;  // their bodies are gone

  Sequence previous_sequence() const {
    return header ? header->previous_sequence : name.first_sequence - 1;
  }
};

Result<ScannedFile> Scan(const FileSystem& fs, const Path& path, const FileName& name) {
  ScannedFile scanned{.name = name, .path = path, .size_bytes = 0, .header = {}, .items = {}};
  ASSIGN_OR_RETURN(const std::unique_ptr<RandomAccessFile> file, fs.OpenForRead(path));
  ASSIGN_OR_RETURN(scanned.size_bytes, file->Size());
  std::array<char, kFileHeaderBytes> raw = {};
  // Twice: a read may go wrong on its way.
  for (int attempt = 0; attempt < 2 && !scanned.header; ++attempt) {
    const std::size_t got = file->Read(0, raw).value_or(0);
    Result<FileHeader> header = DecodeFileHeader({raw.data(), got});
    if (header) {
      scanned.header = *header;
    } else if (header.error().code == ErrorCode::kUnsupported) {
      return Fail(ErrorCode::kUnsupported,
                  fmt::format("{}: {}", path.string(), header.error().message));
    }
  }
  if (scanned.header) scanned.name = {scanned.header->first_sequence, scanned.header->id};

  FrameScanner scanner(
      *file, scanned.name.id, kFileHeaderBytes, scanned.size_bytes, scanned.name.first_sequence);
  while (std::optional<FrameScanner::Item> item = scanner.Next()) {
    item->body = {};
    scanned.items.push_back(*item);
  }
  return scanned;
}

// How many bytes of the file anything in it says are durable. Frame headers have a checksum of
// their own and are believed even when their bodies are damaged.
std::uint64_t DurableBytes(const ScannedFile& file) {
  std::uint64_t durable = kFileHeaderBytes;  // synced before the first frame is written
  for (const FrameScanner::Item& item : file.items) {
    if (item.header) durable = std::max(durable, item.header->durable_bytes);
  }
  return durable;
}

// Its creation was interrupted: nothing in it was ever acknowledged.
bool IsUnfinished(const ScannedFile& file, std::uint64_t durable_bytes) {
  return !file.header && durable_bytes <= kFileHeaderBytes &&
         std::none_of(file.items.begin(), file.items.end(), [](const FrameScanner::Item& item) {
           return item.intact || item.unreadable;
         });
}

class Builder {
 public:
  // `durable_bytes`: of the file; `limit`: one past the newest record that the next file knows to
  // stand before it, 0 when there is no next file.
  void Add(const ScannedFile& file, std::uint64_t durable_bytes, Sequence limit) {
    FileInfo info{.name = file.name,
                  .path = file.path,
                  .previous_sequence = file.previous_sequence(),
                  .last_sequence = file.name.first_sequence - 1,
                  .end_bytes = file.size_bytes,
                  .records = 0,
                  .gaps = {},
                  .index = {}};
    out_.newest_is_clean = file.header.has_value();
    NoteMissingFiles(info);
    if (!file.header) {
      SetAside(info, 0, kFileHeaderBytes, "the file header is damaged, its records are kept");
    }
    Sequence expected = file.name.first_sequence;
    for (std::size_t i = 0; i < file.items.size(); ++i) {
      const FrameScanner::Item& item = file.items[i];
      if (item.intact) {
        info.AddFrame(item.header->first_sequence, item.header->records, item.offset_bytes);
        expected = item.header->end_sequence();
        continue;
      }
      if (item.offset_bytes >= durable_bytes && !item.unreadable) {
        info.end_bytes = item.offset_bytes;
        out_.report.torn_bytes_cut += file.size_bytes - item.offset_bytes;
        out_.cut = RecoveredFiles::Cut{file.path, item.offset_bytes};
        break;
      }
      const Sequence from = item.header ? item.header->first_sequence : expected;
      expected = NextExpected(file, i, expected, limit);
      info.gaps.push_back({item.offset_bytes, item.end_bytes});
      SetAside(info, item.offset_bytes, item.end_bytes, Lost(from, expected));
      out_.newest_is_clean = false;
    }
    out_.report.records += info.records;
    out_.last_sequence = std::max(out_.last_sequence, expected - 1);
    out_.files.push_back(std::move(info));
  }

  void Remove(const ScannedFile& file) {
    out_.report.torn_bytes_cut += file.size_bytes;
    out_.unfinished.push_back(file.path);
  }

  RecoveredFiles Take() && { return std::move(out_); }

 private:
  // The sequence behind the damaged item `i`.
  static Sequence NextExpected(const ScannedFile& file,
                               std::size_t i,
                               Sequence expected,
                               Sequence limit) {
    if (file.items[i].header) return file.items[i].header->end_sequence();
    for (std::size_t k = i + 1; k < file.items.size(); ++k) {
      if (file.items[k].header) return file.items[k].header->first_sequence;
    }
    return limit > 0 ? std::max(limit, expected) : expected + kUnknownRecordsSkip;
  }

  static std::string Lost(Sequence from, Sequence to) {
    if (from == to) return "no record was in it";
    if (to - from >= kUnknownRecordsSkip) return fmt::format("records from {} on are lost", from);
    return fmt::format("records {} to {} are lost", from, to - 1);
  }

  void NoteMissingFiles(const FileInfo& info) {
    if (out_.files.empty() || info.previous_sequence <= out_.last_sequence) return;
    out_.report.set_aside.push_back(fmt::format("{}: records {} to {} before it are missing",
                                                info.path.string(),
                                                out_.last_sequence + 1,
                                                info.previous_sequence));
    out_.last_sequence = info.previous_sequence;
  }

  void SetAside(const FileInfo& info,
                std::uint64_t begin_bytes,
                std::uint64_t end_bytes,
                std::string_view what) {
    out_.report.set_aside.push_back(fmt::format(
        "{}: bytes {} to {} are damaged, {}", info.path.string(), begin_bytes, end_bytes, what));
  }

  RecoveredFiles out_;
};

}  // namespace

Result<RecoveredFiles> ReadFiles(const FileSystem& fs, const Path& dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  std::vector<std::pair<FileName, Path>> found;
  for (const std::string& text : names) {
    if (const auto name = ParseFileName(text)) found.emplace_back(*name, dir / text);
  }
  Builder builder;
  std::optional<ScannedFile> current;
  for (std::size_t i = 0; i <= found.size(); ++i) {
    std::optional<ScannedFile> next;
    if (i < found.size()) {
      ASSIGN_OR_RETURN(next, Scan(fs, found[i].second, found[i].first));
    }
    if (current) {
      const bool newest = !next;
      // A new file is begun only when everything before it is durable, and what a failed attempt
      // to begin one left behind has no frames.
      const std::uint64_t durable = newest ? DurableBytes(*current) : kEverything;
      if (IsUnfinished(*current, newest ? durable : 0) &&
          (newest || current->size_bytes <= kFileHeaderBytes)) {
        builder.Remove(*current);
      } else {
        builder.Add(*current, durable, newest ? 0 : next->previous_sequence() + 1);
      }
    }
    current = std::move(next);
  }
  RecoveredFiles recovered = std::move(builder).Take();
  if (!recovered.unfinished.empty()) recovered.newest_is_clean = false;
  return recovered;
}

Result<std::unique_ptr<WritableFile>> ApplyRecovery(FileSystem& fs,
                                                    const Path& dir,
                                                    const RecoveredFiles& recovered) {
  for (const Path& path : recovered.unfinished) RETURN_IF_ERROR(fs.Remove(path));
  std::unique_ptr<WritableFile> newest;
  if (!recovered.files.empty()) {
    ASSIGN_OR_RETURN(newest,
                     fs.OpenForWrite(recovered.files.back().path, FileSystem::WriteMode::kAppend));
    if (recovered.cut) RETURN_IF_ERROR(newest->Truncate(recovered.cut->size_bytes));
    // A process killed between write and sync leaves whole frames in the page cache. They are
    // about to be handed out as durable, so they have to be.
    RETURN_IF_ERROR(newest->Sync());
  }
  RETURN_IF_ERROR(fs.SyncDirectory(dir));
  return newest;
}

}  // namespace postglass::journal
