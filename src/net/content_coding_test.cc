#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <utility>
#include <vector>

#include "net/http.h"

namespace postglass::net {
namespace {

std::string Deflate(std::string_view body, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, body.size()) + 64, '\0');
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Gzip(std::string_view body) { return Deflate(body, 31); }

std::string Zlib(std::string_view body) { return Deflate(body, 15); }

std::string RawDeflate(std::string_view body) { return Deflate(body, -15); }

std::string Zstd(std::string_view body, int window_log = 0) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  if (window_log > 0) {
    ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  }
  std::string out(ZSTD_compressBound(body.size()), '\0');
  ZSTD_outBuffer output{out.data(), out.size(), 0};
  ZSTD_inBuffer input{body.data(), body.size(), 0};
  EXPECT_EQ(ZSTD_compressStream2(context, &output, &input, ZSTD_e_flush), 0U);
  EXPECT_EQ(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end), 0U);
  out.resize(output.pos);
  ZSTD_freeCCtx(context);
  return out;
}

constexpr std::size_t kMax = 1 << 20;

TEST(DecodeContent, UndoesEachCoding) {
  const std::string text = "the quick brown fox jumps over the lazy dog, again and again and again";

  const struct {
    std::string_view coding;
    std::string body;
  } cases[] = {
      {"", text},
      {"identity", text},
      {"gzip", Gzip(text)},
      {"GZip", Gzip(text)},
      {"x-gzip", Gzip(text)},
      {"gzip", Gzip(text.substr(0, 10)) + Gzip(text.substr(10))},
      {"deflate", Zlib(text)},
      {"deflate", RawDeflate(text)},
      {"zstd", Zstd(text)},
      {"zstd1", Zstd(text)},
      {"zstd", Zstd(text.substr(0, 10)) + Zstd(text.substr(10))},
      {"gzip, zstd", Zstd(Gzip(text))},
      {" gzip ,identity", Gzip(text)},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.coding);
    const auto decoded = DecodeContent(c.coding, c.body, kMax);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, text);
  }
}

TEST(DecodeContent, RefusesWhatIsNotThatCoding) {
  const std::string text(1000, 'x');

  const struct {
    std::string_view coding;
    std::string body;
    ErrorCode code;
  } cases[] = {
      {"gzip", text, ErrorCode::kInvalidArgument},
      {"gzip", "", ErrorCode::kInvalidArgument},
      {"gzip", Gzip(text).substr(0, 20), ErrorCode::kInvalidArgument},
      {"gzip", Gzip(text) + "trailing", ErrorCode::kInvalidArgument},
      {"deflate", Zlib(text) + "x", ErrorCode::kInvalidArgument},
      {"deflate", Zlib(text).substr(0, 5), ErrorCode::kInvalidArgument},
      {"zstd", text, ErrorCode::kInvalidArgument},
      {"zstd", "", ErrorCode::kInvalidArgument},
      {"zstd", Zstd(text).substr(0, 12), ErrorCode::kInvalidArgument},
      {"br", text, ErrorCode::kUnsupported},
      {"gzip, gzip, gzip", Gzip(Gzip(Gzip(text))), ErrorCode::kUnsupported},
  };

  for (const auto& c : cases) {
    SCOPED_TRACE(c.coding);
    const auto decoded = DecodeContent(c.coding, c.body, kMax);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, c.code) << decoded.error().message;
  }
}

TEST(DecodeContent, CutsAtExactlyTheCap) {
  const std::string text(kMax, 'a');
  for (const auto& [coding, body] :
       std::vector<std::pair<std::string_view, std::string>>{{"gzip", Gzip(text)},
                                                             {"deflate", Zlib(text)},
                                                             {"deflate", RawDeflate(text)},
                                                             {"zstd", Zstd(text)},
                                                             {"identity", text}}) {
    SCOPED_TRACE(coding);
    EXPECT_TRUE(DecodeContent(coding, body, kMax));
    const auto refused = DecodeContent(coding, body, kMax - 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  }
}

TEST(DecodeContent, CutsBombsAndNestedBombs) {
  const std::string zeros(64 << 20, '\0');
  const std::string gzip = Gzip(zeros);
  const std::string zstd = Zstd(zeros);
  ASSERT_LT(gzip.size(), 100'000U);
  for (const auto& [coding, body] :
       std::vector<std::pair<std::string_view, std::string>>{{"gzip", gzip},
                                                             {"zstd", zstd},
                                                             {"gzip, gzip", Gzip(gzip)},
                                                             {"zstd, gzip", Gzip(zstd)}}) {
    SCOPED_TRACE(coding);
    const auto refused = DecodeContent(coding, body, kMax);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  }
}

TEST(DecodeContent, RefusesZstdWindowsThatWouldTakeTooMuchMemory) {
  const auto refused = DecodeContent("zstd", Zstd(std::string(100, 'x'), 27), kMax);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit) << refused.error().message;
}

TEST(GzipCompress, RoundTrips) {
  for (const std::string& text : {std::string(), std::string("a"), std::string(300'000, 'b')}) {
    const auto packed = GzipCompress(text);
    ASSERT_TRUE(packed);
    EXPECT_EQ(DecodeContent("gzip", *packed, kMax).value(), text);
  }
  EXPECT_FALSE(GzipCompress("x", 99));
}

}  // namespace
}  // namespace postglass::net
