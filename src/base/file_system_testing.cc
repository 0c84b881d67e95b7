#include "base/file_system_testing.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace postglass {
namespace {

constexpr std::size_t kSectorBytes = 512;
constexpr std::size_t kPageBytes = 4096;

std::string Normal(const Path& path) {
  const std::string text = path.lexically_normal().string();
  return text.size() > 1 && text.back() == '/' ? text.substr(0, text.size() - 1) : text;
}

std::string ParentOf(const std::string& path) { return Path(path).parent_path().string(); }

// splitmix64: repeatable on every machine, unlike <random>'s distributions.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

  std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

  bool Coin() { return (Next() & 1) != 0; }

 private:
  std::uint64_t state_;
};

}  // namespace

// One file: what the process sees, what is certain to be on the disk, and what is in between.
struct FaultyFileSystem::Node {
  struct Pending {
    bool truncate = false;
    std::uint64_t offset = 0;  // of the write, or the new size
    std::string bytes;
  };

  std::string live;
  std::string durable;
  std::vector<Pending> pending;  // in order; applied to `durable` by Sync

  void Write(std::uint64_t offset, std::string_view bytes) {
    if (live.size() < offset + bytes.size()) live.resize(offset + bytes.size());
    live.replace(offset, bytes.size(), bytes);
    pending.push_back({false, offset, std::string(bytes)});
  }

  void Resize(std::uint64_t size) {
    live.resize(size);
    pending.push_back({true, size, {}});
  }

  static void Apply(std::string& target, std::uint64_t offset, std::string_view bytes) {
    if (target.size() < offset + bytes.size()) target.resize(offset + bytes.size());
    target.replace(offset, bytes.size(), bytes);
  }

  void Sync() {
    for (const Pending& p : pending) {
      if (p.truncate) {
        durable.resize(p.offset);
      } else {
        Apply(durable, p.offset, p.bytes);
      }
    }
    pending.clear();
  }

  // Some of what is pending reaches the disk, the rest never will.
  void PersistSome(Dice& dice) {
    enum { kNothing, kEverything, kPrefix, kPieces };

    const std::uint64_t how = dice.Below(4);
    const std::size_t piece = dice.Coin() ? kSectorBytes : kPageBytes;
    std::size_t left = how == kPrefix ? dice.Below(pending.size() + 1) : pending.size();
    if (how == kNothing) left = 0;
    for (std::size_t i = 0; i < left; ++i) {
      const Pending& p = pending[i];
      if (p.truncate) {
        if (how != kPieces || dice.Coin()) durable.resize(p.offset);
        continue;
      }
      const bool torn = how == kPrefix && i + 1 == left;
      for (std::size_t at = 0; at < p.bytes.size();) {
        // Pieces end where the disk's blocks end, whatever the length of the write.
        const std::size_t end =
            std::min(p.bytes.size(), (p.offset + at) / piece * piece + piece - p.offset);
        if (how != kPieces || dice.Coin()) {
          Apply(durable, p.offset + at, std::string_view(p.bytes).substr(at, end - at));
        } else if (dice.Coin()) {
          // The length grew, the bytes did not arrive.
          if (durable.size() < p.offset + end) durable.resize(p.offset + end);
        }
        at = end;
        if (torn && dice.Coin()) break;
      }
    }
    pending.clear();
  }
};

// One change of names. A rename between directories is durable once either is synced.
struct FaultyFileSystem::Change {
  enum Kind { kSet, kErase, kMove } kind;

  std::string path;
  std::string to;  // kMove
  std::shared_ptr<Node> node;

  bool Touches(const std::string& directory) const {
    return ParentOf(path) == directory || (kind == kMove && ParentOf(to) == directory);
  }

  void ApplyTo(std::map<std::string, std::shared_ptr<Node>>& names) const {
    switch (kind) {
      case kSet:
        names[path] = node;
        break;
      case kErase: {
        const auto it = names.find(path);
        if (it != names.end() && it->second == node) names.erase(it);
        break;
      }
      case kMove:
        // When the creation of the source was lost, the journal of a real file system has at
        // least the inode: the new name shows the same file.
        names[to] = node;
        if (const auto it = names.find(path); it != names.end() && it->second == node) {
          names.erase(it);
        }
        break;
    }
  }
};

struct FaultyFileSystem::State {
  mutable Mutex mutex;
  Faults faults GUARDED_BY(mutex);
  std::uint64_t operations GUARDED_BY(mutex) = 0;
  std::uint64_t syncs GUARDED_BY(mutex) = 0;
  std::uint64_t reads GUARDED_BY(mutex) = 0;
  std::uint64_t generation GUARDED_BY(mutex) = 0;  // open files of older ones are dead
  bool fired GUARDED_BY(mutex) = false;
  bool power GUARDED_BY(mutex) = true;
  bool killed GUARDED_BY(mutex) = false;  // the process, not the machine: nothing is lost
  std::map<std::string, std::shared_ptr<Node>> names GUARDED_BY(mutex);
  std::map<std::string, std::shared_ptr<Node>> durable_names GUARDED_BY(mutex);
  std::vector<Change> pending_names GUARDED_BY(mutex);
  std::set<std::string> directories GUARDED_BY(mutex) = {"", ".", "/"};
  std::set<std::string> locks GUARDED_BY(mutex);

  // Counts one operation and says whether it fails. A power cut lets `half_done` happen first.
  Status Step(std::string_view what,
              const std::string& path,
              const std::function<void(Dice&)>& half_done = {}) REQUIRES(mutex) {
    if (!power) return Fail(ErrorCode::kIo, fmt::format("{} {}: the power is off", what, path));
    const std::uint64_t op = operations++;
    Dice dice(faults.seed * 0x9E3779B97F4A7C15ULL + op);
    if (op == faults.power_loss_at_op || op == faults.kill_at_op) {
      fired = true;
      power = false;
      killed = op == faults.kill_at_op;
      if (half_done && dice.Coin()) half_done(dice);
      return Fail(ErrorCode::kIo, fmt::format("{} {}: the power went off", what, path));
    }
    if (op == faults.fail_at_op) {
      fired = true;
      if (half_done) half_done(dice);
      return Fail(faults.fail_with, fmt::format("{} {}: injected failure", what, path));
    }
    return {};
  }

  Status CheckAlive(std::uint64_t opened_in, const std::string& path) const REQUIRES(mutex) {
    if (opened_in == generation) return {};
    return Fail(ErrorCode::kIo, fmt::format("{}: was opened before the crash", path));
  }

  void ChangeName(Change change) REQUIRES(mutex) {
    change.ApplyTo(names);
    pending_names.push_back(std::move(change));
  }

  Result<std::shared_ptr<Node>> Find(const std::string& path) const REQUIRES(mutex) {
    const auto it = names.find(path);
    if (it != names.end()) return it->second;
    return Fail(ErrorCode::kNotFound, fmt::format("{}: no such file", path));
  }

  Status CheckParent(const std::string& path) const REQUIRES(mutex) {
    if (directories.contains(ParentOf(path))) return {};
    return Fail(ErrorCode::kNotFound, fmt::format("{}: no such directory", ParentOf(path)));
  }

  std::uint64_t BytesUsed() const REQUIRES(mutex) {
    std::uint64_t bytes = 0;
    std::set<const Node*> seen;
    for (const auto& [path, node] : names) {
      if (seen.insert(node.get()).second) bytes += node->live.size();
    }
    return bytes;
  }

  void EndProcess() REQUIRES(mutex) {
    ++generation;
    locks.clear();
    faults = {};
    power = true;
    killed = false;
  }
};

class FaultyFileSystem::Writer final : public WritableFile {
 public:
  Writer(std::shared_ptr<State> state,
         std::shared_ptr<Node> node,
         std::string path,
         std::uint64_t generation,
         std::uint64_t size)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        generation_(generation),
        size_(size) {}

  Status Append(std::string_view bytes) override {
    MutexLock lock(state_->mutex);
    RETURN_IF_ERROR(state_->CheckAlive(generation_, path_));
    RETURN_IF_ERROR(state_->Step(
        "write", path_, [&](Dice& dice) { Put(bytes.substr(0, dice.Below(bytes.size() + 1))); }));
    if (state_->faults.space_bytes) {
      const std::uint64_t used = state_->BytesUsed();
      const std::uint64_t room =
          *state_->faults.space_bytes > used ? *state_->faults.space_bytes - used : 0;
      const std::uint64_t growth =
          std::max<std::uint64_t>(node_->live.size(), size_ + bytes.size()) - node_->live.size();
      if (growth > room) {
        state_->fired = true;
        Put(bytes.substr(0, bytes.size() - (growth - room)));
        return Fail(ErrorCode::kDiskFull, fmt::format("write {}: no space left", path_));
      }
    }
    Put(bytes);
    return {};
  }

  Status Sync() override {
    MutexLock lock(state_->mutex);
    RETURN_IF_ERROR(state_->CheckAlive(generation_, path_));
    const auto lose = [&](Dice& dice) REQUIRES(state_->mutex) {
      if (!state_->killed) node_->PersistSome(dice);
    };
    RETURN_IF_ERROR(state_->Step("fdatasync", path_, lose));
    if (state_->syncs++ == state_->faults.fail_sync) {
      state_->fired = true;
      Dice dice(state_->faults.seed);
      node_->PersistSome(dice);
      return Fail(ErrorCode::kIo, fmt::format("fdatasync {}: injected failure", path_));
    }
    node_->Sync();
    return {};
  }

  Status Truncate(std::uint64_t size_bytes) override {
    MutexLock lock(state_->mutex);
    RETURN_IF_ERROR(state_->CheckAlive(generation_, path_));
    RETURN_IF_ERROR(state_->Step("truncate", path_));
    node_->Resize(size_bytes);
    size_ = size_bytes;
    return {};
  }

  Status Close() override {
    MutexLock lock(state_->mutex);
    RETURN_IF_ERROR(state_->CheckAlive(generation_, path_));
    return state_->Step("close", path_);
  }

  std::uint64_t size() const override { return size_; }

 private:
  void Put(std::string_view bytes) {
    if (bytes.empty()) return;
    node_->Write(size_, bytes);
    size_ += bytes.size();
  }

  const std::shared_ptr<State> state_;
  const std::shared_ptr<Node> node_;
  const std::string path_;
  const std::uint64_t generation_;
  std::uint64_t size_;
};

class FaultyFileSystem::Reader final : public RandomAccessFile {
 public:
  Reader(std::shared_ptr<State> state,
         std::shared_ptr<Node> node,
         std::string path,
         std::uint64_t generation)
      : state_(std::move(state)),
        node_(std::move(node)),
        path_(std::move(path)),
        generation_(generation) {}

  Result<std::size_t> Read(std::uint64_t offset_bytes, std::span<char> out) const override {
    MutexLock lock(state_->mutex);
    RETURN_IF_ERROR(state_->CheckAlive(generation_, path_));
    RETURN_IF_ERROR(state_->Step("read", path_));
    const std::string& live = node_->live;
    if (offset_bytes >= live.size()) return std::size_t{0};
    const std::size_t count = std::min<std::uint64_t>(out.size(), live.size() - offset_bytes);
    live.copy(out.data(), count, offset_bytes);
    const std::uint64_t rate = state_->faults.flip_one_read_in;
    if (rate > 0 && count > 0) {
      Dice dice(state_->faults.seed + ++state_->reads);
      if (dice.Below(rate) == 0) {
        state_->fired = true;
        char& victim = out[dice.Below(count)];
        victim = static_cast<char>(victim ^ (1 << dice.Below(8)));
      }
    }
    return count;
  }

  Result<std::uint64_t> Size() const override {
    MutexLock lock(state_->mutex);
    RETURN_IF_ERROR(state_->CheckAlive(generation_, path_));
    RETURN_IF_ERROR(state_->Step("stat", path_));
    return node_->live.size();
  }

  const std::string& name() const override { return path_; }

 private:
  const std::shared_ptr<State> state_;
  const std::shared_ptr<Node> node_;
  const std::string path_;
  const std::uint64_t generation_;
};

class FaultyFileSystem::HeldLock final : public FileLock {
 public:
  HeldLock(std::shared_ptr<State> state, std::string path, std::uint64_t generation)
      : state_(std::move(state)), path_(std::move(path)), generation_(generation) {}

  ~HeldLock() override {
    MutexLock lock(state_->mutex);
    if (generation_ == state_->generation) state_->locks.erase(path_);
  }

 private:
  const std::shared_ptr<State> state_;
  const std::string path_;
  const std::uint64_t generation_;
};

FaultyFileSystem::FaultyFileSystem(Faults faults) : state_(std::make_shared<State>()) {
  Arm(faults);
}

FaultyFileSystem::~FaultyFileSystem() = default;

void FaultyFileSystem::Arm(Faults faults) {
  MutexLock lock(state_->mutex);
  state_->faults = faults;
  state_->operations = 0;
  state_->syncs = 0;
  state_->reads = 0;
  state_->fired = false;
}

void FaultyFileSystem::RestorePower() {
  MutexLock lock(state_->mutex);
  Dice dice(state_->faults.seed * 31 + state_->operations);
  // Journaling file systems keep the order of names; others keep any. Both are tried.
  const bool ordered = dice.Coin();
  const std::size_t kept = dice.Below(state_->pending_names.size() + 1);
  for (std::size_t i = 0; i < state_->pending_names.size(); ++i) {
    if (ordered ? i < kept : dice.Coin()) {
      state_->pending_names[i].ApplyTo(state_->durable_names);
    }
  }
  state_->pending_names.clear();
  state_->names = state_->durable_names;
  std::set<Node*> seen;
  for (const auto& [path, node] : state_->names) {
    if (!seen.insert(node.get()).second) continue;
    node->PersistSome(dice);
    node->live = node->durable;
  }
  state_->EndProcess();
}

void FaultyFileSystem::KillProcess() {
  MutexLock lock(state_->mutex);
  state_->EndProcess();
}

void FaultyFileSystem::SetSpace(std::optional<std::uint64_t> space_bytes) {
  MutexLock lock(state_->mutex);
  state_->faults.space_bytes = space_bytes;
}

void FaultyFileSystem::FlipBit(const Path& path, std::uint64_t offset_bytes, int bit) {
  MutexLock lock(state_->mutex);
  const auto it = state_->names.find(Normal(path));
  CHECK(it != state_->names.end() && offset_bytes < it->second->live.size());
  Node& node = *it->second;
  node.Sync();
  node.live[offset_bytes] = static_cast<char>(node.live[offset_bytes] ^ (1 << bit));
  node.durable = node.live;
}

bool FaultyFileSystem::fault_fired() const {
  MutexLock lock(state_->mutex);
  return state_->fired;
}

std::uint64_t FaultyFileSystem::operations() const {
  MutexLock lock(state_->mutex);
  return state_->operations;
}

std::uint64_t FaultyFileSystem::file_syncs() const {
  MutexLock lock(state_->mutex);
  return state_->syncs;
}

std::uint64_t FaultyFileSystem::bytes_used() const {
  MutexLock lock(state_->mutex);
  return state_->BytesUsed();
}

Result<std::unique_ptr<WritableFile>> FaultyFileSystem::OpenForWrite(const Path& path,
                                                                     WriteMode mode) {
  std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  const auto create = [&]() REQUIRES(state_->mutex) {
    auto node = std::make_shared<Node>();
    state_->ChangeName({Change::kSet, name, {}, node});
    return node;
  };
  const bool exists = state_->names.contains(name);
  const bool allowed = state_->directories.contains(ParentOf(name));
  RETURN_IF_ERROR(state_->Step("open", name, [&](Dice&) REQUIRES(state_->mutex) {
    if (!exists && allowed) create();
  }));
  RETURN_IF_ERROR(state_->CheckParent(name));
  if (exists && mode == WriteMode::kCreateNew) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("open {}: it exists", name));
  }
  const std::shared_ptr<Node> node = exists ? state_->names[name] : create();
  if (mode == WriteMode::kTruncate && !node->live.empty()) node->Resize(0);
  const std::uint64_t size = node->live.size();
  return std::make_unique<Writer>(state_, node, std::move(name), state_->generation, size);
}

Result<std::unique_ptr<RandomAccessFile>> FaultyFileSystem::OpenForRead(const Path& path) const {
  std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("open", name));
  ASSIGN_OR_RETURN(std::shared_ptr<Node> node, state_->Find(name));
  return std::make_unique<Reader>(state_, std::move(node), std::move(name), state_->generation);
}

Status FaultyFileSystem::Rename(const Path& from, const Path& to) {
  const std::string old_name = Normal(from);
  const std::string new_name = Normal(to);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("rename", old_name));
  ASSIGN_OR_RETURN(std::shared_ptr<Node> node, state_->Find(old_name));
  RETURN_IF_ERROR(state_->CheckParent(new_name));
  if (old_name != new_name) {
    state_->ChangeName({Change::kMove, old_name, new_name, std::move(node)});
  }
  return {};
}

Status FaultyFileSystem::Link(const Path& from, const Path& to) {
  const std::string name = Normal(to);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("link", name));
  ASSIGN_OR_RETURN(std::shared_ptr<Node> node, state_->Find(Normal(from)));
  RETURN_IF_ERROR(state_->CheckParent(name));
  if (state_->names.contains(name)) {
    return Fail(ErrorCode::kAlreadyExists, fmt::format("link {}: it exists", name));
  }
  state_->ChangeName({Change::kSet, name, {}, std::move(node)});
  return {};
}

Status FaultyFileSystem::Remove(const Path& path) {
  const std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("remove", name));
  if (state_->directories.contains(name)) {
    const auto inside = state_->names.lower_bound(name + '/');
    if (inside != state_->names.end() && inside->first.starts_with(name + '/')) {
      return Fail(ErrorCode::kIo, fmt::format("remove {}: directory not empty", name));
    }
    state_->directories.erase(name);
    return {};
  }
  ASSIGN_OR_RETURN(std::shared_ptr<Node> node, state_->Find(name));
  state_->ChangeName({Change::kErase, name, {}, std::move(node)});
  return {};
}

Status FaultyFileSystem::CreateDirectories(const Path& path) {
  const std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("mkdir", name));
  // Durable on return, as the contract says.
  for (std::string at = name; state_->directories.insert(at).second; at = ParentOf(at)) {
  }
  return {};
}

Status FaultyFileSystem::SyncDirectory(const Path& path) {
  const std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("fsync", name));
  if (!state_->directories.contains(name)) {
    return Fail(ErrorCode::kNotFound, fmt::format("fsync {}: no such directory", name));
  }
  std::vector<Change> others;
  for (Change& change : state_->pending_names) {
    if (change.Touches(name)) {
      change.ApplyTo(state_->durable_names);
    } else {
      others.push_back(std::move(change));
    }
  }
  state_->pending_names = std::move(others);
  return {};
}

Result<std::vector<std::string>> FaultyFileSystem::List(const Path& path) const {
  const std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("list", name));
  if (!state_->directories.contains(name)) {
    return Fail(ErrorCode::kNotFound, fmt::format("list {}: no such directory", name));
  }
  std::set<std::string> found;
  for (const auto& [file, node] : state_->names) {
    if (ParentOf(file) == name) found.insert(Path(file).filename().string());
  }
  for (const std::string& directory : state_->directories) {
    if (directory != name && !directory.empty() && directory != "/" && directory != "." &&
        ParentOf(directory) == name) {
      found.insert(Path(directory).filename().string());
    }
  }
  return std::vector<std::string>(found.begin(), found.end());
}

bool FaultyFileSystem::Exists(const Path& path) const {
  MutexLock lock(state_->mutex);
  const std::string name = Normal(path);
  return state_->names.contains(name) || state_->directories.contains(name);
}

Result<std::uint64_t> FaultyFileSystem::FileSize(const Path& path) const {
  const std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("stat", name));
  ASSIGN_OR_RETURN(const std::shared_ptr<Node> node, state_->Find(name));
  return node->live.size();
}

Result<std::unique_ptr<FileLock>> FaultyFileSystem::Lock(const Path& path) {
  std::string name = Normal(path);
  MutexLock lock(state_->mutex);
  RETURN_IF_ERROR(state_->Step("lock", name));
  RETURN_IF_ERROR(state_->CheckParent(name));
  if (!state_->locks.insert(name).second) {
    return Fail(ErrorCode::kUnavailable, fmt::format("lock {}: held by another process", name));
  }
  if (!state_->names.contains(name)) {
    state_->ChangeName({Change::kSet, name, {}, std::make_shared<Node>()});
  }
  return std::make_unique<HeldLock>(state_, std::move(name), state_->generation);
}

Result<FileSystem::Space> FaultyFileSystem::DiskSpace(const Path& path) const {
  static_cast<void>(path);
  MutexLock lock(state_->mutex);
  constexpr std::uint64_t kDiskBytes = std::uint64_t{1} << 40;
  const std::uint64_t total = state_->faults.space_bytes.value_or(kDiskBytes);
  const std::uint64_t used = state_->BytesUsed();
  return Space{.total_bytes = total, .available_bytes = total > used ? total - used : 0};
}

}  // namespace postglass
