#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "net/http.h"

namespace postglass::mail {

// Finds what tells that a machine, not a reader, asked for a pixel or a tracked link: scanners of
// mail gateways, image proxies, prefetching. Such events are marked, never dropped. Thread-safe.
//
//   proxy       an image proxy of a mailbox provider, which hides the reader (Google, Yahoo, Apple)
//   scanner     a user agent that names a scanner, a bot or a program
//   instant     within two seconds of sending: before a mailbox could show it
//   many_links  the third link of one mail within a second
//
// That a request was a HEAD is not known here: the server hands it on as a GET.
class MachineSigns {
 public:
  // `clock` must outlive it.
  explicit MachineSigns(const Clock& clock) : clock_(clock) {}

  // `link` is its index; -1 for the pixel. At most one sign of each kind, in the order above.
  std::vector<std::string_view> Find(const net::HttpRequest& request,
                                     const std::string& message_id,
                                     int link);

 private:
  static constexpr std::size_t kMailsMax = 10'000;  // whose last clicks are remembered

  struct Clicks {
    std::chrono::nanoseconds since{0};
    std::vector<int> links;  // different ones within the second that began then
    std::list<std::string>::iterator age;
  };

  bool IsOneOfMany(const std::string& message_id, int link);

  const Clock& clock_;
  Mutex mutex_;
  std::map<std::string, Clicks, std::less<>> clicks_ GUARDED_BY(mutex_);
  std::list<std::string> by_age_ GUARDED_BY(mutex_);  // message ids, the oldest first
};

}  // namespace postglass::mail
