#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postglass::mail {

// One page of an ascending list of names.
struct Page {
  std::vector<std::string> names;
  std::string next_token;  // empty: this was the last
};

// The page behind `token` (empty: the first). The token names the last name shown, so that names
// added or removed meanwhile neither repeat nor hide others. Nothing when it is not one of ours.
std::optional<Page> PageOf(const std::vector<std::string>& names,
                           std::string_view token,
                           std::size_t size);

// A page size given as text: 1 … `size_max`; absent (empty): `size_max`. Nothing otherwise.
std::optional<std::size_t> ParsePageSize(std::string_view text, std::size_t size_max);

}  // namespace postglass::mail
