#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "queues/types.h"

namespace postglass::queues {

// The MD5 that SQS answers and SDKs compare, in hex. Of attributes as the SQS Developer Guide says,
// "Calculating the MD5 message digest for message attributes".
std::string BodyDigest(std::string_view body);
std::string AttributesDigest(const std::vector<MessageAttribute>& attributes);  // sorted by name

}  // namespace postglass::queues
