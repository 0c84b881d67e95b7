#include "pipelines/engine.h"

#include <exception>

#include "base/log.h"

namespace postglass::pipelines {
namespace {

enum class Level { kTop, kNested };

std::size_t RunPipeline(const Pipeline& pipeline, Level level, Log& log, Context& context);

// Boost.JSON throws for texts and trees beyond its bounds; no exception leaves the module.
Status RunProcessor(const Step& step, Log& log, Context& context) {
  try {
    return std::visit(
        [&](const auto& processor) -> Status {
          using T = std::decay_t<decltype(processor)>;
          if constexpr (std::is_same_v<T, Builtin>) {
            return processor(log, context);
          } else if constexpr (std::is_same_v<T, std::shared_ptr<const Pipeline>>) {
            return {};
          } else {
            return processor.Process(log, context);
          }
        },
        step.processor);
  } catch (const std::exception& error) {
    return Fail(ErrorCode::kInternal, error.what());
  }
}

std::size_t RunPipeline(const Pipeline& pipeline, Level level, Log& log, Context& context) {
  if (!pipeline.filter.Matches(log)) return 0;
  std::size_t failed = 0;
  for (const Step& step : pipeline.steps) {
    if (const auto* nested = std::get_if<std::shared_ptr<const Pipeline>>(&step.processor)) {
      if (level == Level::kTop) failed += RunPipeline(**nested, Level::kNested, log, context);
      continue;
    }
    const Status status = RunProcessor(step, log, context);
    if (status) continue;
    ++failed;
    log.tags.push_back("pipeline_error:" + step.name);
    log::Debug("pipelines", "{}: {}", step.name, status.error().message);
  }
  return failed;
}

}  // namespace

std::size_t Engine::Process(Log& log, Timestamp now) const {
  Context context{.now = now};
  std::size_t failed = 0;
  for (const Pipeline& pipeline : pipelines_) {
    failed += RunPipeline(pipeline, Level::kTop, log, context);
  }
  return failed;
}

}  // namespace postglass::pipelines
