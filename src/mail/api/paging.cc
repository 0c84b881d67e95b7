#include "mail/api/paging.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"

namespace postglass::mail {

std::optional<Page> PageOf(const std::vector<std::string>& names,
                           std::string_view token,
                           std::size_t size) {
  auto begin = names.begin();
  if (!token.empty()) {
    const std::optional<std::string> last = Base64UrlDecode(token);
    if (!last) return std::nullopt;
    begin = std::upper_bound(names.begin(), names.end(), *last);
  }
  const auto left = static_cast<std::size_t>(names.end() - begin);
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(left, size));
  Page page{{begin, end}, {}};
  if (end != names.end()) page.next_token = Base64UrlEncode(page.names.back());
  return page;
}

std::optional<std::size_t> ParsePageSize(std::string_view text, std::size_t size_max) {
  if (text.empty()) return size_max;
  std::size_t size = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), size);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  if (size < 1 || size > size_max) return std::nullopt;
  return size;
}

}  // namespace postglass::mail
