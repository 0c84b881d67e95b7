#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "forwarder/environment.h"
#include "net/http_client.h"

namespace postglass::forwarder {

// Puts DD_API_KEY into an environment that names where the key is kept instead:
// DD_API_KEY_SECRET_ARN (Secrets Manager; the secret is the key, or a JSON object with it in a
// member) or DD_API_KEY_SSM_NAME (a parameter of Systems Manager). Both are read with the Lambda's
// own credentials, AWS_ACCESS_KEY_ID and its like; AWS_ENDPOINT_URL_SECRETS_MANAGER,
// AWS_ENDPOINT_URL_SSM and AWS_ENDPOINT_URL lead elsewhere than AWS. Nothing is done when the key
// is there or none is named. Errors: kInvalidArgument (no credentials, no key in the secret),
// kPermissionDenied (AWS refuses), kUnavailable, kTimeout. No message holds the secret.
Status FindApiKey(Environment& environment, net::HttpClient& client, const Clock& clock);

}  // namespace postglass::forwarder
