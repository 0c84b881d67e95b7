#pragma once

#include <memory>

#include "functions/async_queue.h"
#include "functions/function_registry.h"
#include "functions/host.h"
#include "main/parts/intake_part.h"
#include "main/parts/part_context.h"

namespace postglass {

// The Lambda-compatible host: functions, and invokes that nobody waits for.
struct FunctionsPart {
  static Result<std::unique_ptr<FunctionsPart>> Make(PartContext& context, IntakePart& intake);

  std::unique_ptr<functions::FunctionRegistry> registry;
  std::unique_ptr<functions::Host> host;
  std::unique_ptr<functions::AsyncQueue> async_queue;
};

}  // namespace postglass
