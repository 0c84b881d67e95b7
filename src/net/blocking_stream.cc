#include "net/blocking_stream.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace postglass::net {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Waits for `events` on `fd`. False when the deadline has passed.
bool PollUntil(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    pollfd entry{fd, events, 0};
    constexpr std::int64_t kPollMax = 60'000;
    const int ready = poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, kPollMax)));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // the next call on the socket says why
  }
}

tl::unexpected<Error> ConnectFailed(const SocketAddress& address, int code) {
  return Fail(ErrorCode::kUnavailable,
              fmt::format("cannot connect to {} port {}: {}",
                          address.ip(),
                          address.port(),
                          std::system_category().message(code)));
}

Result<UniqueFd> ConnectOne(const SocketAddress& address, Deadline deadline) {
  UniqueFd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return ConnectFailed(address, errno);
  if (connect(fd.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) {
    return ConnectFailed(address, errno);
  }
  if (!PollUntil(fd.get(), POLLOUT, deadline)) {
    return Fail(
        ErrorCode::kTimeout,
        fmt::format("connecting to {} port {} took too long", address.ip(), address.port()));
  }
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0) return ConnectFailed(address, code);
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // slower without, no more
  return fd;
}

}  // namespace

Result<std::unique_ptr<BlockingStream>> BlockingStream::Connect(
    const std::vector<SocketAddress>& addresses, Deadline deadline) {
  Error last{ErrorCode::kUnavailable, "no address to connect to"};
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const auto now = steady_clock::now();
    const auto share = (deadline - now) / static_cast<std::int64_t>(addresses.size() - i);
    Result<UniqueFd> fd = ConnectOne(addresses[i], now + share);
    if (fd) {
      return std::unique_ptr<BlockingStream>(new BlockingStream(std::move(*fd), addresses[i].ip()));
    }
    last = std::move(fd.error());
  }
  return Fail(std::move(last));
}

Status BlockingStream::Wait(IoState want, Deadline deadline) {
  if (PollUntil(socket_.fd(), want == IoState::kWantWrite ? POLLOUT : POLLIN, deadline)) return {};
  return Fail(ErrorCode::kTimeout, fmt::format("{} did not answer in time", peer_ip_));
}

Status BlockingStream::StartTls(const std::shared_ptr<SSL_CTX>& context,
                                const std::string& host,
                                Deadline deadline) {
  RETURN_IF_ERROR(socket_.BeginTlsClient(context, host));
  for (;;) {
    const IoState state = socket_.Handshake();
    if (state == IoState::kDone) return {};
    if (state == IoState::kWantRead || state == IoState::kWantWrite) {
      RETURN_IF_ERROR(Wait(state, deadline));
      continue;
    }
    if (!socket_.certificate_error().empty()) {
      return Fail(ErrorCode::kPermissionDenied,
                  fmt::format("the certificate of {} is refused: {}",
                              host.empty() ? peer_ip_ : host,
                              socket_.certificate_error()));
    }
    return Fail(ErrorCode::kUnavailable,
                fmt::format("TLS handshake with {}: {}", peer_ip_, socket_.error()));
  }
}

Result<std::size_t> BlockingStream::Read(std::span<char> into, Deadline deadline) {
  // Nearly always the answer to what was just written, which is not there yet.
  if (!socket_.has_pending_input()) RETURN_IF_ERROR(Wait(IoState::kWantRead, deadline));
  for (;;) {
    const IoResult result = socket_.Read(into);
    if (result.state == IoState::kDone) return result.bytes;
    if (result.state == IoState::kClosed) return std::size_t{0};
    if (result.state == IoState::kFailed) {
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("reading from {}: {}", peer_ip_, socket_.error()));
    }
    RETURN_IF_ERROR(Wait(result.state, deadline));
  }
}

Status BlockingStream::Write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const IoResult result = socket_.Write(bytes);
    if (result.state == IoState::kDone) {
      bytes.remove_prefix(result.bytes);
    } else if (result.state == IoState::kWantRead || result.state == IoState::kWantWrite) {
      RETURN_IF_ERROR(Wait(result.state, deadline));
    } else {
      return Fail(
          ErrorCode::kUnavailable,
          fmt::format(
              "writing to {}: {}", peer_ip_, socket_.error().empty() ? "closed" : socket_.error()));
    }
  }
  return {};
}

bool BlockingStream::IsQuiet() const {
  pollfd entry{socket_.fd(), POLLIN | POLLRDHUP, 0};
  return poll(&entry, 1, 0) == 0 && !socket_.has_pending_input();
}

}  // namespace postglass::net
