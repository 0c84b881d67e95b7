#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/address.h"
#include "net/openssl_handles.h"
#include "net/unique_fd.h"

// Non-blocking sockets, plain or under TLS, without a word on how one waits for them: servers wait
// in an event loop (stream.h), clients with poll (blocking_stream.h).

namespace postglass::net {

enum class IoState {
  kDone,
  kWantRead,   // wait until the socket is readable, then call again
  kWantWrite,  // wait until it is writable, then call again
  kClosed,     // the peer has ended its side
  kFailed,     // reset, TLS failure; error() says what
};

struct IoResult {
  IoState state = IoState::kDone;
  std::size_t bytes = 0;  // moved, with kDone
};

// A connected stream socket. Not thread-safe.
class Socket {
 public:
  explicit Socket(UniqueFd fd);

  int fd() const { return fd_.get(); }

  bool encrypted() const { return session_ != nullptr; }

  // The next Handshake() runs TLS over this socket; `context` says which side and whom to trust.
  // For a client, `host` is the name or address the certificate must carry; empty: unchecked.
  Status BeginTlsServer(const std::shared_ptr<SSL_CTX>& context);
  Status BeginTlsClient(const std::shared_ptr<SSL_CTX>& context, const std::string& host);
  IoState Handshake();

  // Why the peer's certificate was refused by Handshake(); empty when it was not.
  const std::string& certificate_error() const { return certificate_error_; }

  std::string tls_version() const;  // "TLSv1.3"; empty without TLS

  // At least one byte with kDone. Requires: into not empty.
  IoResult Read(std::span<char> into);
  // Writes a beginning of `bytes`. After kWant… call again with the same bytes or more.
  IoResult Write(std::string_view bytes);
  // As Write() for head and body one behind the other, in one call of the system where it can.
  IoResult Write(std::string_view head, std::string_view body);
  // Bytes already decrypted, which no wait for the socket will announce.
  bool has_pending_input() const;
  // Tells the peer that nothing more comes; it may still send.
  void ShutdownWrite();

  const std::string& error() const { return error_; }

 private:
  Status NewSession(const std::shared_ptr<SSL_CTX>& context);
  IoState Translate(int result);
  IoState FailedWith(int system_error);

  UniqueFd fd_;
  std::shared_ptr<SSL_CTX> context_;  // kept while its session lives
  SslPtr session_;
  bool handshaken_ = false;
  std::string error_;
  std::string certificate_error_;
};

// Binds and listens, non-blocking. Errors: kUnavailable ("address … is in use"),
// kPermissionDenied, kInvalidArgument, kIo.
Result<UniqueFd> ListenSocket(const SocketAddress& address);
Result<SocketAddress> LocalAddress(int fd);
// One waiting connection, non-blocking and without delay (TCP_NODELAY). kUnavailable when none
// waits, kLimit when the process or system is out of descriptors, kIo.
Result<UniqueFd> AcceptSocket(int listener, SocketAddress& peer);
// True when the peer has closed or reset, also while bytes of it still wait to be read. Any thread,
// as long as `fd` stays open.
bool PeerHasGone(int fd);

}  // namespace postglass::net
