#include "main/line_source.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "base/temporary_directory_testing.h"
#include "net/http.h"

namespace postglass {
namespace {

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

class LineSourceTest : public testing::Test {
 protected:
  std::string File(std::string_view bytes) {
    const std::filesystem::path path = directory_.path() / "file";
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }

  using Texts = std::vector<std::string>;

  Texts Lines(std::string_view bytes, std::uint64_t skip = 0) {
    auto source = LineSource::Open(File(bytes));
    EXPECT_TRUE(source);
    if (!source->Skip(skip)) return {"(skip failed)"};
    Texts lines;
    for (;;) {
      const auto line = source->Next();
      if (!line) return {"(" + std::string(ErrorCodeName(line.error().code)) + ")"};
      if (!*line) return lines;
      lines.push_back((*line)->too_long ? "(too long)" : (*line)->text);
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(LineSourceTest, GivesTheLinesOfEveryForm) {
  std::string text;
  Texts expected;
  for (std::size_t i = 0; i < 50'000; ++i) {
    expected.push_back("line " + std::to_string(i * 7919) + std::string(i % 40, 'x'));
    text += expected.back() + (i % 3 == 0 ? "\r\n" : "\n");
  }
  const std::string first = text.substr(0, 300'000);
  const std::string second = text.substr(300'000);
  EXPECT_EQ(Lines(text), expected);
  EXPECT_EQ(Lines(*net::GzipCompress(text)), expected);
  EXPECT_EQ(Lines(*net::GzipCompress(first) + *net::GzipCompress(second)), expected);
  EXPECT_EQ(Lines(Zstd(text)), expected);
  EXPECT_EQ(Lines(Zstd(first) + Zstd(second)), expected);
}

TEST_F(LineSourceTest, AnEmptyFileAndALastLineWithoutItsEnd) {
  EXPECT_EQ(Lines(""), Texts{});
  EXPECT_EQ(Lines("a"), Texts{"a"});
  EXPECT_EQ(Lines("\n\na"), (Texts{"", "", "a"}));
  EXPECT_EQ(Lines(*net::GzipCompress("")), Texts{});
}

TEST_F(LineSourceTest, SaysWhatIsCutOffOrDamaged) {
  std::string text(300'000, 'a');
  for (std::size_t i = 0; i < text.size(); i += 17) text[i] = static_cast<char>('a' + i % 23);
  for (std::string bytes : {*net::GzipCompress(text), Zstd(text)}) {
    EXPECT_EQ(Lines(bytes.substr(0, bytes.size() - 5)), Texts{"(corruption)"});
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
    EXPECT_EQ(Lines(bytes), Texts{"(corruption)"});
  }
  EXPECT_EQ(LineSource::Open((directory_.path() / "none").string()).error().code,
            ErrorCode::kNotFound);
}

TEST_F(LineSourceTest, PassesOverWhatIsTooLong) {
  const std::string huge(LineSource::kLineBytesMax + 1'000'000, 'x');
  EXPECT_EQ(Lines("a\n" + huge + "\nb\n"), (Texts{"a", "(too long)", "b"}));
  EXPECT_EQ(Lines("a\n" + huge), (Texts{"a", "(too long)"}));
}

TEST_F(LineSourceTest, GoesOnWhereItWas) {
  const std::string text = "one\ntwo\r\nthree\n";
  for (const std::string& bytes : {text, *net::GzipCompress(text), Zstd(text)}) {
    auto source = LineSource::Open(File(bytes));
    ASSERT_TRUE(source->Next());
    ASSERT_TRUE(source->Next());
    EXPECT_EQ(source->text_bytes(), 9u);
    EXPECT_EQ(Lines(bytes, 9), Texts{"three"});
    EXPECT_EQ(Lines(bytes, text.size()), Texts{});
    EXPECT_EQ(Lines(bytes, text.size() + 1), Texts{"(skip failed)"});
  }
}

}  // namespace
}  // namespace postglass
