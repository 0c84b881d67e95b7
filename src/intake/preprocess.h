#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "pipelines/log.h"

namespace postglass::intake {

// What the query string of a request says of each of its logs.
struct RequestDefaults {
  std::string source;  // ddsource; for logs that name none, as are the next two
  std::string service;
  std::string host;               // host or hostname
  std::vector<std::string> tags;  // ddtags; added to each log's own
};

// Takes the reserved attributes out of a log as it was sent (Datadog, "Preprocessing for JSON
// logs"); the first that is there wins. JSON in `message`, as text or as an object, is lifted to
// the root before, where its fields win. The result's attributes live in the memory of `entry`.
pipelines::Log Preprocess(json::object entry, const RequestDefaults& defaults, Timestamp now);

// Whether a log is an event of SES as it is without an envelope.
bool IsSesEvent(const json::object& log);

// "a:b, c" as tags: blanks stripped, empty ones left out, each cut to kTagBytesMax.
std::vector<std::string> SplitTags(std::string_view text);

}  // namespace postglass::intake
