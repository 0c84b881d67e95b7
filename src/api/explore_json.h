#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "query/explore.h"

// Bodies of POST /api/v2/postglass/explore (docs/compat/api.md). Pure.

namespace postglass::api {

struct ExploreBody {
  query::ExploreRequest request;
  bool stream = false;
  bool explain = false;
};

// Errors: kInvalidArgument.
Result<ExploreBody> ReadExploreBody(const json::object& body);

// Parts of the answer, each the text of one object.
std::string RowsJson(const std::vector<store::Event>& events, std::string_view next_cursor);
std::string CoverageJson(const query::TimeRange& range);
std::string HistogramJson(const query::ExploreSink::Histogram& histogram);
std::string FacetJson(std::string_view facet, const std::vector<store::ValueCount>& values);
std::string ExploreMetaJson(const ExploreBody& body,
                            const query::ExploreReport& report,
                            std::string_view request_id);

}  // namespace postglass::api
