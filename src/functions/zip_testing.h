#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

namespace postglass::functions {

struct ZipTestFile {
  std::string path;
  std::string content;
  std::uint32_t mode = 0100644;  // st_mode
};

// A zip archive of stored files (PKWARE APPNOTE 6.3.9, §4.3), byte for byte what is asked for: also
// paths and modes that no archiver writes.
inline std::string MakeZip(const std::vector<ZipTestFile>& files) {
  const auto put = [](std::string& out, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xff);
  };
  std::string out;
  std::string directory;
  for (const ZipTestFile& file : files) {
    const std::size_t offset = out.size();
    const std::uint64_t sum = crc32(0,
                                    reinterpret_cast<const Bytef*>(file.content.data()),
                                    static_cast<uInt>(file.content.size()));
    std::string common;
    put(common, 0, 2);          // flags
    put(common, 0, 2);          // stored
    put(common, 0x21'0000, 4);  // 1980-01-01
    put(common, sum, 4);
    put(common, file.content.size(), 4);
    put(common, file.content.size(), 4);
    put(common, file.path.size(), 2);
    put(common, 0, 2);  // no extra field
    put(out, 0x04034b50, 4);
    put(out, 10, 2);
    out += common + file.path + file.content;
    put(directory, 0x02014b50, 4);
    put(directory, (3 << 8) | 20, 2);  // made on Unix
    put(directory, 10, 2);
    directory += common;
    put(directory, 0, 2);  // no comment
    put(directory, 0, 2);  // disk
    put(directory, 0, 2);  // internal attributes
    put(directory, static_cast<std::uint64_t>(file.mode) << 16, 4);
    put(directory, offset, 4);
    directory += file.path;
  }
  const std::size_t begin = out.size();
  out += directory;
  put(out, 0x06054b50, 4);
  put(out, 0, 4);  // disks
  put(out, files.size(), 2);
  put(out, files.size(), 2);
  put(out, directory.size(), 4);
  put(out, begin, 4);
  put(out, 0, 2);
  return out;
}

}  // namespace postglass::functions
