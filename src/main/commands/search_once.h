#pragma once

#include <string_view>

#include "base/result.h"
#include "main/server_client.h"

namespace postglass {

// Whether the server finds an event of this type of this mail, at this moment. `type` as in the
// event ("Rendering Failure").
Result<bool> IsSearchable(ServerClient& server, std::string_view message_id, std::string_view type);

}  // namespace postglass
