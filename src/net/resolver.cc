#include "net/resolver.h"

#include <fmt/format.h>
#include <netdb.h>

#include <cstring>
#include <future>
#include <utility>

namespace postglass::net {
namespace {

constexpr std::size_t kThreads = 4;
constexpr std::size_t kWaitingMax = 256;
constexpr std::size_t kAddressesMax = 16;

struct AddressListFree {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<std::vector<SocketAddress>> LookUp(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* raw = nullptr;
  const int code = getaddrinfo(host.c_str(), fmt::format("{}", port).c_str(), &hints, &raw);
  const std::unique_ptr<addrinfo, AddressListFree> list(raw);
  if (code != 0) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("cannot resolve {}: {}", host, gai_strerror(code)));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list.get(); entry != nullptr && addresses.size() < kAddressesMax;
       entry = entry->ai_next) {
    SocketAddress address;
    if (entry->ai_addrlen > sizeof address.storage) continue;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

Resolver::Resolver() : pool_({kThreads, kWaitingMax}) {}

Result<std::vector<SocketAddress>> Resolver::Resolve(const std::string& host,
                                                     int port,
                                                     Deadline deadline) {
  if (const Result<SocketAddress> numeric = ParseSocketAddress(host, port)) {
    return std::vector<SocketAddress>{*numeric};
  }
  using Answer = Result<std::vector<SocketAddress>>;
  // Shared with the thread, which may still be looking when the caller has given up.
  const auto promise = std::make_shared<std::promise<Answer>>();
  std::future<Answer> answer = promise->get_future();
  if (!pool_.Submit([promise, host, port] { promise->set_value(LookUp(host, port)); })) {
    return Fail(ErrorCode::kUnavailable, "too many host names are being resolved");
  }
  if (answer.wait_until(deadline) != std::future_status::ready) {
    return Fail(ErrorCode::kTimeout, fmt::format("resolving {} took too long", host));
  }
  return answer.get();
}

}  // namespace postglass::net
