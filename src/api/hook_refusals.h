#pragma once

#include <vector>

#include "intake/refusals.h"
#include "net/http.h"

namespace postglass::api {

// GET /api/v2/postglass/refusals: deliveries that /hooks/sns did not believe, newest first, each
// with its reason.
net::HttpResponse HookRefusals(const std::vector<intake::Refusal>& refusals);

}  // namespace postglass::api
