#pragma once

#include "base/clock.h"

namespace postglass::pipelines {

// What the processors of one log share while it runs through the pipelines. Of several remappers of
// one official field the first that finds a value counts (Datadog, "Processors"); the flags say
// which fields have one.
struct Context {
  Timestamp now;  // time of ingest; completes dates that carry no year
  bool date_set = false;
  bool status_set = false;
  bool service_set = false;
  bool message_set = false;
};

}  // namespace postglass::pipelines
