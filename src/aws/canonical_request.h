#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

// SigV4's canonical request: the one spelling of a request that both sides hash.

namespace postglass::aws {

struct CanonicalRequestOptions {
  std::vector<std::string_view> signed_headers;  // lower case, sorted
  std::string_view payload_hash;                 // hex, or UNSIGNED-PAYLOAD
  bool s3_path = false;               // S3 alone encodes the path once and does not normalise it
  bool skip_signature_param = false;  // presigned: X-Amz-Signature is not part of the query
};

// Method, path, query, headers, header list and payload hash, one a line.
std::string CanonicalRequest(const net::HttpRequest& request,
                             const CanonicalRequestOptions& options);

}  // namespace postglass::aws
