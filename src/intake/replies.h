#pragma once

#include <string_view>
#include <vector>

#include "intake/body.h"
#include "net/http.h"

namespace postglass::intake {

// The two forms in which the intake's versions answer.
enum class Version { kV1, kV2 };

// 202 {} (v2) or 200 {} (v1); with the bad logs of the request named when there are some.
net::HttpResponse AcceptedReply(Version version, const std::vector<BadLog>& bad);
// v2 {"errors":[{"status","title","detail"}]}, v1 {"code","message"}. 429 and 503 get Retry-After.
net::HttpResponse ErrorReply(Version version, int status, std::string_view detail);
// 400 for a request of which no log could be taken.
net::HttpResponse AllBadReply(Version version, const std::vector<BadLog>& bad);

}  // namespace postglass::intake
