// HTTP heads and bodies as a connection reads them. The first byte chooses how the rest is cut into
// reads; a request must come out the same however it is cut, and what the reader and the client's
// reader do with arbitrary bytes stays within their limits.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/http_request_reader.h"
#include "net/http_response_reader.h"

namespace {

using postglass::net::HttpRequest;
using postglass::net::HttpRequestReader;
using postglass::net::HttpResponseReader;

constexpr std::size_t kHeaderBytesMax = 4096;
constexpr std::size_t kBodyBytesMax = 4096;

void Require(bool condition) {
  if (!condition) std::abort();
}

// All requests of a connection, as one text to compare.
std::string ReadRequests(std::string_view bytes, std::size_t piece) {
  using State = HttpRequestReader::State;
  HttpRequestReader reader({kHeaderBytesMax, kBodyBytesMax});
  std::string pending;
  std::string seen;
  while (!bytes.empty() && reader.state() != State::kFailed) {
    const std::size_t size = std::min(piece, bytes.size());
    pending.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    for (std::size_t taken = 1; taken > 0;) {
      taken = reader.Consume(pending);
      Require(taken <= pending.size());
      pending.erase(0, taken);
      Require(reader.body_bytes() <= kBodyBytesMax);
      if (reader.state() == State::kFailed) {
        Require(reader.error_status() >= 400 && reader.error_status() < 600);
        return seen;
      }
      if (reader.state() != State::kComplete) continue;
      seen += reader.keep_alive() ? "keep " : "close ";
      const HttpRequest request = reader.Take();
      Require(!request.method.empty() && !request.target.empty());
      seen += request.method + " " + request.target + "\n";
      for (const auto& [name, value] : request.headers) {
        Require(value.find_first_of("\r\n") == std::string::npos);
        seen += name + ":" + value + "\n";
      }
      seen += request.body + "\n";
    }
  }
  return seen;
}

void ReadResponse(std::string_view bytes, std::size_t piece) {
  HttpResponseReader reader(HttpResponseReader::Method::kOther, kBodyBytesMax);
  std::string pending;
  while (!bytes.empty() && reader.state() == HttpResponseReader::State::kWanting) {
    const std::size_t size = std::min(piece, bytes.size());
    pending.append(bytes.substr(0, size));
    bytes.remove_prefix(size);
    const std::size_t taken = reader.Consume(pending);
    Require(taken <= pending.size());
    pending.erase(0, taken);
  }
  reader.Finish();
  if (reader.state() != HttpResponseReader::State::kComplete) return;
  Require(reader.Take().body.size() <= kBodyBytesMax);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = 1 + data[0] % 32;
  Require(ReadRequests(bytes, bytes.size()) == ReadRequests(bytes, piece));
  ReadResponse(bytes, piece);
  return 0;
}
