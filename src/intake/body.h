#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace postglass::intake {

struct BadLog {
  std::size_t index = 0;  // its place in the request, from 0
  std::string reason;
};

struct DecodedBody {
  std::vector<json::object> logs;  // in order, in the memory of the storage given
  std::vector<BadLog> bad;
};

// Takes the logs out of a request body, whatever the Content-Type says: an array, an object,
// objects one behind the other (newlines between or not), or lines of text, told apart by the first
// byte that is no blank. A line of text becomes {"message": line}. A log that is not a JSON object
// or does not parse is named in `bad`; the others are taken. Ill-formed UTF-8 becomes U+FFFD.
//
// Errors: kLimit (more logs than kArrayLogsMax or kLinesMax), kInvalidArgument (nothing in it).
Result<DecodedBody> DecodeBody(std::string_view body, const boost::json::storage_ptr& storage);

}  // namespace postglass::intake
