#include "bench/store/measured_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "bench/store/rows.h"
#include "store/embedded/embedded_store.h"

namespace postglass::bench {

MeasuredStore::MeasuredStore(Path dir) : dir_(std::move(dir)) {}

MeasuredStore::~MeasuredStore() = default;

double MeasuredStore::Open() {
  metrics_ = std::make_unique<Metrics>();
  const double begin = NowSeconds();
  auto opened = store::EmbeddedStore::Open(fs_, clock_, *metrics_, dir_, {});
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().message);
    std::exit(1);
  }
  store_ = std::move(*opened);
  return NowSeconds() - begin;
}

void MeasuredStore::Close() {
  store_.reset();
  metrics_.reset();
  malloc_trim(0);
}

void MeasuredStore::Reopen() {
  Close();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_)) {
    if (!entry.is_regular_file()) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    ::fsync(fd);  // dirty pages cannot be forgotten
    ::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    ::close(fd);
  }
  Open();
}

void MeasuredStore::Empty() { std::filesystem::remove_all(dir_); }

void MeasuredStore::CopyFrom(const MeasuredStore& other) {
  Empty();
  std::filesystem::copy(other.dir_, dir_, std::filesystem::copy_options::recursive);
}

std::uint64_t MeasuredStore::BytesOnDisk() const {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_)) {
    std::error_code gone;  // the store may be tidying up
    const std::uint64_t size = entry.is_regular_file(gone) ? entry.file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

}  // namespace postglass::bench
