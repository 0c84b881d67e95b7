#pragma once

#include <memory>

#include "functions/async_queue.h"
#include "functions/code_store.h"
#include "functions/function_registry.h"
#include "functions/host.h"
#include "functions/log_sink.h"
#include "main/parts/intake_part.h"
#include "main/parts/part_context.h"

namespace postglass {

// The Lambda-compatible host: functions, their code, and invokes that nobody waits for.
struct FunctionsPart {
  static Result<std::unique_ptr<FunctionsPart>> Make(PartContext& context, IntakePart& intake);

  void Start();
  // Ends what functions do at this moment; they take no more.
  void Interrupt();
  void Stop();

  std::unique_ptr<functions::FunctionRegistry> registry;
  std::unique_ptr<functions::CodeStore> code;  // null: functions.custom_code is off
  std::unique_ptr<functions::LogSink> log_sink;
  std::unique_ptr<functions::Host> host;
  std::unique_ptr<functions::AsyncQueue> async_queue;
};

}  // namespace postglass
