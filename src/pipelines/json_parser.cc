#include "pipelines/json_parser.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "pipelines/tree.h"

namespace postglass::pipelines {

Result<json::object> ParseObjectInto(std::string_view text, boost::json::storage_ptr storage) {
  boost::json::parse_options options;
  options.max_depth = json::kDepthMax;
  boost::system::error_code error;
  json::value parsed = boost::json::parse(text, error, std::move(storage), options);
  if (error) return Fail(ErrorCode::kInvalidArgument, fmt::format("json: {}", error.message()));
  if (!parsed.is_object()) return Fail(ErrorCode::kInvalidArgument, "json: expected an object");
  return std::move(parsed.get_object());
}

Status JsonParser::Process(Log& log, Context&) const {
  const bool from_message = options_.source == "message";
  std::string_view text = log.message;
  if (!from_message) {
    const json::value* source = json::FindPath(log.attributes, options_.source);
    if (source == nullptr || !source->is_string()) return {};
    text = source->get_string();
  }
  if (!TrimAscii(text).starts_with('{')) return {};
  ASSIGN_OR_RETURN(json::object parsed, ParseObjectInto(text, log.attributes.storage()));
  if (!options_.preserve_source) {
    if (from_message) {
      log.message.clear();
    } else {
      RemovePath(log.attributes, options_.source);
    }
  }
  for (auto& member : parsed) {
    log.attributes.insert_or_assign(member.key(), std::move(member.value()));
  }
  return {};
}

}  // namespace postglass::pipelines
