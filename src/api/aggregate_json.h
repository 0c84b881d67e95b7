#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "query/aggregate.h"

// Bodies of POST /api/v2/logs/analytics/aggregate, as Datadog's LogsAggregateRequest and
// LogsAggregateResponse have them. Pure.

namespace postglass::api {

struct AggregateBody {
  // How the keys of a group_by are written in the answer.
  struct Names {
    std::string facet;
    std::string missing_json;  // the member as it came; empty: there is none
    std::string total_json;
    bool is_number = false;  // steps of a histogram
  };

  query::AggregateRequest request;
  std::vector<Names> names;  // by group_by
};

// Errors: kInvalidArgument.
Result<AggregateBody> ReadAggregateBody(const json::object& body);

std::string AggregateJson(const AggregateBody& body,
                          const query::AggregateAnswer& answer,
                          std::string_view request_id);

// ,"warnings":[…] of a `meta`; nothing when there are none.
void AppendWarnings(std::string& out, const std::vector<query::SearchWarning>& warnings);

}  // namespace postglass::api
