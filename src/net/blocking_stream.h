#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/resolver.h"
#include "net/socket.h"

namespace postglass::net {

// A client's connection: each call blocks until it is done or its deadline has passed. Not
// thread-safe. Errors: kUnavailable (refused, unreachable, reset), kTimeout.
class BlockingStream {
 public:
  // To the first of `addresses` that answers; each gets its share of the time left.
  static Result<std::unique_ptr<BlockingStream>> Connect(
      const std::vector<SocketAddress>& addresses, Deadline deadline);

  // Adds kPermissionDenied: the certificate was refused. `host` empty: unchecked.
  Status StartTls(const std::shared_ptr<SSL_CTX>& context,
                  const std::string& host,
                  Deadline deadline);
  // The number of bytes read; 0 when the peer has ended its side.
  Result<std::size_t> Read(std::span<char> into, Deadline deadline);
  Status Write(std::string_view bytes, Deadline deadline);

  // Open, and nothing unexpected has come: fit for another request.
  bool IsQuiet() const;

  const std::string& peer_ip() const { return peer_ip_; }

  Socket& socket() { return socket_; }

 private:
  BlockingStream(UniqueFd fd, std::string peer_ip)
      : socket_(std::move(fd)), peer_ip_(std::move(peer_ip)) {}

  Status Wait(IoState want, Deadline deadline);

  Socket socket_;
  std::string peer_ip_;
};

}  // namespace postglass::net
