#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "net/blocking_stream.h"
#include "net/tls.h"

// A client for tests that says exactly the bytes it is told to.

namespace postglass::net {

// Far beyond what any exchange takes: a test that waits this long has failed.
constexpr std::chrono::seconds kTestLimit{30};

inline Deadline TestDeadline() { return std::chrono::steady_clock::now() + kTestLimit; }

class RawClient {
 public:
  explicit RawClient(int port, const std::string& ip = "127.0.0.1") {
    auto address = ParseSocketAddress(ip, port);
    if (auto stream = BlockingStream::Connect({*address}, TestDeadline())) {
      stream_ = std::move(*stream);
    }
  }

  bool connected() const { return stream_ != nullptr; }

  BlockingStream& stream() { return *stream_; }

  bool Send(std::string_view bytes) { return stream_->Write(bytes, TestDeadline()).has_value(); }

  // What comes until `end` has been seen, or the server closes or stays silent.
  std::string ReadUntil(std::string_view end) {
    while (got_.find(end) == std::string::npos && ReadMore()) {
    }
    const std::size_t at = got_.find(end);
    const std::size_t size = at == std::string::npos ? got_.size() : at + end.size();
    std::string taken = got_.substr(0, size);
    got_.erase(0, size);
    return taken;
  }

  std::string ReadLine() { return ReadUntil("\r\n"); }

  // Everything until the server closes.
  std::string ReadAll() {
    while (ReadMore()) {
    }
    return std::exchange(got_, {});
  }

  // The connection ended by a reset, and what was on its way may be lost.
  bool was_reset() const { return reset_; }

  // Closes at once.
  void Disconnect() { stream_.reset(); }

 private:
  bool ReadMore() {
    char piece[4096];
    const auto got = stream_->Read(piece, TestDeadline());
    if (!got || *got == 0) {
      reset_ = !got;
      return false;
    }
    got_.append(piece, *got);
    return true;
  }

  std::unique_ptr<BlockingStream> stream_;
  std::string got_;
  bool reset_ = false;
};

// A CA and a certificate of it for localhost and 127.0.0.1, made once: keys take a while.
struct TestCertificates {
  CertificateAndKey authority;
  CertificateAndKey server;

  static const TestCertificates& Get() {
    static const TestCertificates shared = [] {
      const SystemClock clock;
      SystemRandom random;
      TestCertificates made;
      made.authority = MakeCertificateAuthority(clock, random, "Test CA").value();
      made.server = MakeServerCertificate(
                        clock, random, made.authority, "localhost", {"localhost", "127.0.0.1"})
                        .value();
      return made;
    }();
    return shared;
  }
};

}  // namespace postglass::net
