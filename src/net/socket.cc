#include "net/socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <system_error>

#include "base/check.h"

namespace postglass::net {
namespace {

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn

std::string SystemErrorText(int code) { return std::system_category().message(code); }

int FdOf(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

bool IsTransient(int code) { return code == EAGAIN || code == EWOULDBLOCK || code == EINTR; }

int BioRead(BIO* bio, char* into, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = recv(FdOf(bio), into, static_cast<std::size_t>(size), 0);
  if (got < 0 && IsTransient(errno)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}

int BioWrite(BIO* bio, const char* from, int size) {
  BIO_clear_retry_flags(bio);
  // OpenSSL's own socket BIO would raise SIGPIPE here.
  const ssize_t put = send(FdOf(bio), from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (put < 0 && IsTransient(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}

long BioControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

using BioMethodPtr = std::unique_ptr<BIO_METHOD, OpenSslFree<BIO_meth_free>>;

BioMethodPtr MakeBioMethod() {
  BioMethodPtr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "postglass socket"));
  CHECK(method != nullptr);
  BIO_meth_set_read(method.get(), BioRead);
  BIO_meth_set_write(method.get(), BioWrite);
  BIO_meth_set_ctrl(method.get(), BioControl);
  return method;
}

BIO* NewSocketBio(int fd) {
  static const BioMethodPtr method = MakeBioMethod();  // immutable once made
  BIO* bio = BIO_new(method.get());
  if (bio == nullptr) return nullptr;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a number kept in the pointer, as BIO_set_fd would
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

bool IsNumeric(const std::string& host) {
  in6_addr storage{};
  return inet_pton(AF_INET, host.c_str(), &storage) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &storage) == 1;
}

Status SetOption(int fd, int level, int name, int value) {
  if (setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return Fail(ErrorCode::kIo, fmt::format("setsockopt: {}", SystemErrorText(errno)));
}

}  // namespace

Socket::Socket(UniqueFd fd) : fd_(std::move(fd)) {}

Status Socket::NewSession(const std::shared_ptr<SSL_CTX>& context) {
  context_ = context;
  session_.reset(SSL_new(context_.get()));
  BIO* const bio = session_ == nullptr ? nullptr : NewSocketBio(fd_.get());
  if (bio == nullptr) return Fail(ErrorCode::kInternal, TakeOpenSslError());
  SSL_set_bio(session_.get(), bio, bio);
  return {};
}

Status Socket::BeginTlsServer(const std::shared_ptr<SSL_CTX>& context) {
  RETURN_IF_ERROR(NewSession(context));
  SSL_set_accept_state(session_.get());
  return {};
}

Status Socket::BeginTlsClient(const std::shared_ptr<SSL_CTX>& context, const std::string& host) {
  RETURN_IF_ERROR(NewSession(context));
  SSL* const session = session_.get();
  SSL_set_connect_state(session);
  if (host.empty()) return {};
  bool set = false;
  if (IsNumeric(host)) {
    set = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  } else {
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    set = SSL_set1_host(session, host.c_str()) == 1 &&
          SSL_ctrl(session,
                   SSL_CTRL_SET_TLSEXT_HOSTNAME,
                   TLSEXT_NAMETYPE_host_name,
                   const_cast<char*>(host.c_str())) == 1;  // it copies the name
  }
  if (!set) return Fail(ErrorCode::kInvalidArgument, fmt::format("TLS name '{}'", host));
  return {};
}

IoState Socket::FailedWith(int system_error) {
  error_ = SystemErrorText(system_error);
  return IoState::kFailed;
}

// What a failed OpenSSL call means. The error queue is per thread and was empty before the call.
IoState Socket::Translate(int result) {
  const int system_error = errno;
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return IoState::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return IoState::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return IoState::kClosed;
    case SSL_ERROR_SYSCALL:
      ERR_clear_error();
      if (result == 0 || system_error == 0) return IoState::kClosed;
      return FailedWith(system_error);
    default:
      break;
  }
  // A peer that closes without close_notify. HTTP and SMTP know their message ends themselves, so
  // that a truncation shows there.
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return IoState::kClosed;
  }
  const long verdict = SSL_get_verify_result(session_.get());
  if (!handshaken_ && verdict != X509_V_OK) {
    certificate_error_ = X509_verify_cert_error_string(verdict);
  }
  error_ = TakeOpenSslError();
  return IoState::kFailed;
}

IoState Socket::Handshake() {
  CHECK(session_ != nullptr);
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result != 1) {
    const IoState state = Translate(result);
    if (state == IoState::kClosed) error_ = "connection closed during the TLS handshake";
    return state;
  }
  handshaken_ = true;
  return IoState::kDone;
}

std::string Socket::tls_version() const {
  return session_ == nullptr ? std::string() : SSL_get_version(session_.get());
}

IoResult Socket::Read(std::span<char> into) {
  if (session_ != nullptr) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(session_.get(), into.data(), into.size(), &got);
    if (result == 1) return {IoState::kDone, got};
    return {Translate(result), 0};
  }
  const ssize_t got = recv(fd_.get(), into.data(), into.size(), 0);
  if (got > 0) return {IoState::kDone, static_cast<std::size_t>(got)};
  if (got == 0) return {IoState::kClosed, 0};
  if (IsTransient(errno)) return {IoState::kWantRead, 0};
  return {FailedWith(errno), 0};
}

IoResult Socket::Write(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (session_ != nullptr) {
    ERR_clear_error();
    std::size_t put = 0;
    const int result = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &put);
    if (result == 1) return {IoState::kDone, put};
    return {Translate(result), 0};
  }
  const ssize_t put = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (put >= 0) return {IoState::kDone, static_cast<std::size_t>(put)};
  if (IsTransient(errno)) return {IoState::kWantWrite, 0};
  return {FailedWith(errno), 0};
}

IoResult Socket::Write(std::string_view head, std::string_view body) {
  if (session_ != nullptr || head.empty() || body.empty()) {
    return Write(head.empty() ? body : head);
  }
  // sendmsg wants mutable pointers and does not write through them.
  std::array<iovec, 2> parts = {{{const_cast<char*>(head.data()), head.size()},
                                 {const_cast<char*>(body.data()), body.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t put = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
  if (put >= 0) return {IoState::kDone, static_cast<std::size_t>(put)};
  if (IsTransient(errno)) return {IoState::kWantWrite, 0};
  return {FailedWith(errno), 0};
}

bool Socket::has_pending_input() const {
  return session_ != nullptr && SSL_has_pending(session_.get()) == 1;
}

void Socket::ShutdownWrite() {
  if (handshaken_) {
    ERR_clear_error();
    SSL_shutdown(session_.get());  // close_notify, as far as the socket takes it
    ERR_clear_error();
  }
  shutdown(fd_.get(), SHUT_WR);
}

Result<UniqueFd> ListenSocket(const SocketAddress& address) {
  UniqueFd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return Fail(ErrorCode::kIo, fmt::format("socket: {}", SystemErrorText(errno)));
  }
  // Without it a restart would have to wait for the old connections' TIME_WAIT.
  RETURN_IF_ERROR(SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1));
  if (address.storage.ss_family == AF_INET6) {
    RETURN_IF_ERROR(SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1));
  }
  if (bind(fd.get(), address.get(), address.size) == 0 && listen(fd.get(), kBacklog) == 0) {
    return fd;
  }
  const int code = errno;
  const std::string shown = address.storage.ss_family == AF_INET6
                                ? fmt::format("[{}]:{}", address.ip(), address.port())
                                : fmt::format("{}:{}", address.ip(), address.port());
  if (code == EADDRINUSE) {
    return Fail(ErrorCode::kUnavailable, fmt::format("address {} is in use", shown));
  }
  if (code == EACCES || code == EPERM) {
    return Fail(ErrorCode::kPermissionDenied, fmt::format("no permission to listen on {}", shown));
  }
  if (code == EADDRNOTAVAIL) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("address {} is not one of this machine", shown));
  }
  return Fail(ErrorCode::kIo, fmt::format("listen on {}: {}", shown, SystemErrorText(code)));
}

Result<SocketAddress> LocalAddress(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(fd, address.get(), &address.size) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("getsockname: {}", SystemErrorText(errno)));
  }
  return address;
}

Result<UniqueFd> AcceptSocket(int listener, SocketAddress& peer) {
  peer.size = sizeof peer.storage;
  UniqueFd fd(accept4(listener, peer.get(), &peer.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.valid()) {
    RETURN_IF_ERROR(SetOption(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1));
    return fd;
  }
  const int code = errno;
  if (code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM) {
    return Fail(ErrorCode::kLimit, fmt::format("accept: {}", SystemErrorText(code)));
  }
  // Also the errors of a connection that died while it waited (accept(2)).
  return Fail(IsTransient(code) ? ErrorCode::kUnavailable : ErrorCode::kIo,
              fmt::format("accept: {}", SystemErrorText(code)));
}

bool PeerHasGone(int fd) {
  pollfd entry{fd, POLLRDHUP, 0};
  return poll(&entry, 1, 0) > 0 && (entry.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace postglass::net
