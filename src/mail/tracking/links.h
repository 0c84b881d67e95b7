#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_client.h"

namespace postglass::mail {

// What a reader of a tracked mail could ask for, taken out of the message as it went out.
struct TrackedLinks {
  std::optional<std::string> pixel;  // absolute URLs
  std::vector<std::string> links;
};

TrackedLinks FindTrackedLinks(std::string_view raw);

enum class ReaderDoes { kOpen, kOpenAndClick };
// Plays a reader by real requests: the pixel, then the first tracked link (its redirect is not
// followed). `reader` (an address) decides on the user agent. Errors: those of the requests;
// nothing to ask for is no error.
Status ReadTrackedMail(net::HttpClient& client,
                       std::string_view raw,
                       const std::string& reader,
                       ReaderDoes does);

}  // namespace postglass::mail
