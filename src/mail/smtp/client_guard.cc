#include "mail/smtp/client_guard.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <utility>

namespace postglass::mail {
namespace {

// Whoever has one IPv6 address has all of its /64.
std::string KeyOf(std::string_view address) {
  std::string text(address);
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12);
  const std::string_view whole(bytes.data(), bytes.size());
  return std::string(whole.starts_with(kMapped) ? whole : whole.substr(0, 8));
}

// A proxy on this machine speaks for many; and whoever is on it needs no password guessed.
bool IsLoopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

}  // namespace

bool ClientGuard::IsSuspended(std::string_view address) const {
  const std::chrono::nanoseconds now = clock_.Monotonic();
  MutexLock lock(mutex_);
  const auto found = clients_.find(KeyOf(address));
  return found != clients_.end() && now < found->second.suspended_until;
}

bool ClientGuard::Failed(std::string_view address) {
  if (IsLoopback(address)) return false;
  const std::chrono::nanoseconds now = clock_.Monotonic();
  std::string key = KeyOf(address);
  MutexLock lock(mutex_);
  if (clients_.size() >= options_.clients_max && !clients_.contains(key)) ForgetOldest();
  Client& client = clients_[std::move(key)];
  if (client.failures == 0 || now - client.first > options_.window) {
    client.failures = 0;
    client.first = now;
  }
  if (++client.failures < options_.failures_max) return false;
  client.failures = 0;
  client.suspended_until = now + options_.suspension;
  return true;
}

void ClientGuard::Succeeded(std::string_view address) {
  MutexLock lock(mutex_);
  const auto found = clients_.find(KeyOf(address));
  if (found != clients_.end()) clients_.erase(found);
}

void ClientGuard::ForgetOldest() {
  const auto oldest =
      std::min_element(clients_.begin(), clients_.end(), [](const auto& a, const auto& b) {
        return std::max(a.second.first, a.second.suspended_until) <
               std::max(b.second.first, b.second.suspended_until);
      });
  if (oldest != clients_.end()) clients_.erase(oldest);
}

}  // namespace postglass::mail
