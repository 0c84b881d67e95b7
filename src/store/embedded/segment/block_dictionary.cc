#include "store/embedded/segment/block_dictionary.h"

#define ZDICT_STATIC_LINKING_ONLY
#define ZSTD_STATIC_LINKING_ONLY
#include <zdict.h>
#include <zstd.h>

#include <algorithm>

#include "base/check.h"

namespace postglass::store {

namespace {

constexpr int kLevel = 3;
constexpr std::size_t kContentBytesMax = 12 << 10;
constexpr std::size_t kSampleBytesMin = 64 << 10;  // below, a dictionary costs what it saves
constexpr std::size_t kStatisticsBytes = 128 << 10;

struct FreeCompression {
  void operator()(ZSTD_CCtx* c) const { ZSTD_freeCCtx(c); }

  void operator()(ZSTD_DCtx* d) const { ZSTD_freeDCtx(d); }

  void operator()(ZSTD_CDict* c) const { ZSTD_freeCDict(c); }

  void operator()(ZSTD_DDict* d) const { ZSTD_freeDDict(d); }
};

// A context is 150 kB of memory: made for each block, it would cost more than the block.
ZSTD_DCtx* Decompressor() {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeCompression> context(ZSTD_createDCtx());
  CHECK(context != nullptr);
  return context.get();
}

}  // namespace

struct BlockDictionary::Impl {
  std::string bytes;
  std::unique_ptr<ZSTD_DDict, FreeCompression> read;
  mutable std::unique_ptr<ZSTD_CDict, FreeCompression> write;  // made by the first Compress()
  mutable std::unique_ptr<ZSTD_CCtx, FreeCompression> compressor;
};

std::string BlockDictionary::Train(const std::vector<std::string>& samples) {
  std::size_t total = 0;
  for (const std::string& sample : samples) total += sample.size();
  if (total < kSampleBytesMin || samples.size() < 8) return {};
  // A beginning of every n-th block as content: what is frequent is in there many times, and
  // looking for the best pieces takes longer than compressing the column.
  const std::size_t content_max = std::min(kContentBytesMax, total / 16);
  const std::size_t step = std::max<std::size_t>(1, samples.size() / 24);
  const std::size_t piece = content_max / (samples.size() / step);
  std::string content;
  for (std::size_t i = 0; i < samples.size() && content.size() < content_max; i += step) {
    content += std::string_view(samples[i]).substr(0, piece);
  }
  std::string joined;
  std::vector<std::size_t> sizes;
  const std::size_t statistics_step = std::max<std::size_t>(1, total / kStatisticsBytes);
  for (std::size_t i = 0; i < samples.size(); i += statistics_step) {
    joined += samples[i];
    sizes.push_back(samples[i].size());
  }
  std::string out(content.size() + 1024, '\0');
  ZDICT_params_t params{};
  params.compressionLevel = kLevel;
  const std::size_t bytes = ZDICT_finalizeDictionary(out.data(),
                                                     out.size(),
                                                     content.data(),
                                                     content.size(),
                                                     joined.data(),
                                                     sizes.data(),
                                                     static_cast<unsigned>(sizes.size()),
                                                     params);
  if (ZDICT_isError(bytes) != 0) return {};
  out.resize(bytes);
  return out;
}

BlockDictionary::BlockDictionary(std::string_view bytes) : impl_(std::make_unique<Impl>()) {
  impl_->bytes = bytes;
  if (!bytes.empty()) {
    // It refers to the bytes: a copy would be as large as the rest of a column's index.
    impl_->read.reset(ZSTD_createDDict_byReference(impl_->bytes.data(), impl_->bytes.size()));
  }
}

BlockDictionary::~BlockDictionary() = default;

std::string BlockDictionary::Compress(std::string_view raw) const {
  if (impl_->compressor == nullptr) {
    impl_->compressor.reset(ZSTD_createCCtx());
    CHECK(impl_->compressor != nullptr);
    if (!impl_->bytes.empty()) {
      impl_->write.reset(ZSTD_createCDict(impl_->bytes.data(), impl_->bytes.size(), kLevel));
      CHECK(impl_->write != nullptr);
    }
    // The segment has a checksum, size and dictionary of each block in a place of its own.
    ZSTD_CCtx_setParameter(impl_->compressor.get(), ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(impl_->compressor.get(), ZSTD_c_dictIDFlag, 0);
    ZSTD_CCtx_setParameter(impl_->compressor.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_refCDict(impl_->compressor.get(), impl_->write.get());
  }
  std::string frame(ZSTD_compressBound(raw.size()), '\0');
  const std::size_t bytes =
      ZSTD_compress2(impl_->compressor.get(), frame.data(), frame.size(), raw.data(), raw.size());
  CHECK(ZSTD_isError(bytes) == 0);  // the buffer has the bound that zstd asks for
  frame.resize(bytes);
  return frame;
}

bool BlockDictionary::Decompress(std::string_view frame, char* out, std::size_t raw_bytes) const {
  const std::size_t bytes =
      impl_->read == nullptr
          ? ZSTD_decompressDCtx(Decompressor(), out, raw_bytes, frame.data(), frame.size())
          : ZSTD_decompress_usingDDict(
                Decompressor(), out, raw_bytes, frame.data(), frame.size(), impl_->read.get());
  return ZSTD_isError(bytes) == 0 && bytes == raw_bytes;
}

std::size_t BlockDictionary::memory_bytes() const {
  return impl_->bytes.size() + (impl_->read == nullptr ? 0 : ZSTD_sizeof_DDict(impl_->read.get()));
}

}  // namespace postglass::store
