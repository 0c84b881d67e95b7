#pragma once

#include "pipelines/log.h"

namespace postglass::pipelines {

// Replaces the secrets in every text of the log: message, tags, and all strings of the attributes
// that hold a URL or a JWT (rules: base/url_secrets.h). Runs last before the log is stored, when
// nested JSON texts are parsed and the normalised copies are made.
void MaskSecrets(Log& log);

}  // namespace postglass::pipelines
