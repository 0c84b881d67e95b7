#pragma once

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "pipelines/attribute_remapper.h"
#include "pipelines/category_processor.h"
#include "pipelines/context.h"
#include "pipelines/date_remapper.h"
#include "pipelines/filter.h"
#include "pipelines/json_parser.h"
#include "pipelines/key_value_processor.h"
#include "pipelines/log.h"
#include "pipelines/message_remapper.h"
#include "pipelines/service_remapper.h"
#include "pipelines/status_remapper.h"
#include "pipelines/string_builder.h"

namespace postglass::pipelines {

struct Pipeline;

// A step that the built-in pipelines write in code. Must be thread-safe.
using Builtin = std::function<Status(Log&, Context&)>;

struct Step {
  std::string name;  // of the tag pipeline_error:<name>: lower case, no blanks
  std::variant<JsonParser,
               DateRemapper,
               StatusRemapper,
               ServiceRemapper,
               MessageRemapper,
               AttributeRemapper,
               StringBuilder,
               CategoryProcessor,
               KeyValueProcessor,
               Builtin,
               std::shared_ptr<const Pipeline>>
      processor;
};

// Steps for the logs that `filter` matches when the pipeline starts, in order. A nested pipeline
// holds processors only: a third level is ignored.
struct Pipeline {
  std::string name;
  Filter filter;
  std::vector<Step> steps;
};

// Runs logs through pipelines in order. Immutable and thread-safe.
class Engine {
 public:
  explicit Engine(std::vector<Pipeline> pipelines) : pipelines_(std::move(pipelines)) {}

  // A step that fails leaves what the log had and adds the tag pipeline_error:<name>; the steps
  // behind it run. Never throws, never drops a log. Returns how many steps failed.
  std::size_t Process(Log& log, Timestamp now) const;

 private:
  std::vector<Pipeline> pipelines_;
};

}  // namespace postglass::pipelines
