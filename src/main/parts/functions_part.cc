#include "main/parts/functions_part.h"

#include "base/log.h"

namespace postglass {

Result<std::unique_ptr<FunctionsPart>> FunctionsPart::Make(PartContext& context,
                                                           IntakePart& intake) {
  auto part = std::make_unique<FunctionsPart>();
  const Server::World& world = context.world;
  ASSIGN_OR_RETURN(
      part->registry,
      functions::FunctionRegistry::Load(
          context.directory.settings(), context.directory.secret_box(), world.clock, world.random));
  functions::Host::Options options;
  options.mode = context.options.String("functions.forwarder") == "process"
                     ? functions::Host::Mode::kProcess
                     : functions::Host::Mode::kInProcess;
  options.program = world.program;
  if (context.options.Bool("functions.inject_intake")) {
    options.intake_environment = [&context] {
      const std::string url = context.addresses.own_http();
      return forwarder::Environment{{"DD_URL", url}, {"DD_API_URL", url}, {"DD_NO_SSL", "true"}};
    };
  }
  intake::Intake& logs = *intake.intake;
  options.on_line = [&logs](const std::string& function, std::string_view line) {
    pipelines::Log entry;
    entry.source = "lambda";
    entry.service = function;
    entry.message = std::string(line);
    const auto taken = logs.Ingest({std::move(entry)},
                                   {intake::Verified::kNone, intake::Door::kInternal, {}, {}, {}});
    if (!taken) log::Warn("functions", "{}: {}", function, line);
  };
  part->host = std::make_unique<functions::Host>(std::move(options),
                                                 *part->registry,
                                                 *intake.loopback,
                                                 *context.outside,
                                                 world.clock,
                                                 world.random,
                                                 context.metrics);
  part->async_queue =
      std::make_unique<functions::AsyncQueue>(*part->host, *part->registry, world.clock);
  return part;
}

}  // namespace postglass
