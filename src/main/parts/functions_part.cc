#include "main/parts/functions_part.h"

#include <set>

#include "base/json.h"
#include "base/log.h"

namespace postglass {
namespace {

// Where functions that name no intake send to: the variables of Datadog's own forwarder, which puts
// an URL together of scheme (DD_NO_SSL), host and port. And a key, that of our own forwarder.
forwarder::Environment IntakeEnvironment(const std::string& own_http,
                                         const functions::FunctionRegistry& registry) {
  forwarder::Environment environment{{"DD_API_URL", own_http}, {"DD_NO_SSL", "true"}};
  std::string_view authority = own_http;
  authority.remove_prefix(std::min(authority.find("://") + 3, authority.size()));
  const std::size_t colon = std::min(authority.rfind(':'), authority.size());
  environment["DD_URL"] = authority.substr(0, colon);
  environment["DD_PORT"] = authority.substr(std::min(colon + 1, authority.size()));
  if (const auto own = registry.Find(functions::kForwarderName)) {
    const auto key = own->environment.find("DD_API_KEY");
    if (key != own->environment.end()) environment.emplace("DD_API_KEY", key->second);
  }
  return environment;
}

// Log events of functions, as they would be in CloudWatch Logs.
void StoreLines(intake::Intake& intake, std::vector<functions::LogLine> lines) {
  std::vector<pipelines::Log> logs;
  for (functions::LogLine& line : lines) {
    pipelines::Log log;
    log.source = "lambda";
    log.service = line.function;
    log.message = std::move(line.text);
    json::object about{{"function_name", line.function}};
    if (!line.request_id.empty()) about["request_id"] = line.request_id;
    log.attributes["lambda"] = std::move(about);
    log.attributes["logGroup"] = "/aws/lambda/" + line.function;
    logs.push_back(std::move(log));
  }
  intake::Provenance provenance;
  provenance.door = intake::Door::kInternal;
  if (const auto stored = intake.Ingest(std::move(logs), provenance); !stored) {
    log::Warn("functions", "log lines not kept: {}", stored.error().message);
  }
}

std::unique_ptr<functions::CodeStore> MakeCodeStore(PartContext& context,
                                                    const functions::FunctionRegistry& registry) {
  if (!context.options.Bool("functions.custom_code")) return nullptr;
  functions::CodeStore::Options options;
  options.archives = context.directory.functions();
  options.unpacked = context.directory.functions_unpacked();
  auto code = std::make_unique<functions::CodeStore>(
      context.world.fs, context.world.random, std::move(options));
  std::set<std::string> used;
  for (const auto& function : registry.List()) used.insert(function->code.sha256);
  if (const Status kept = code->KeepOnly(used); !kept) {
    log::Warn("functions", "code of deleted functions stays: {}", kept.error().message);
  }
  return code;
}

}  // namespace

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
    options.intake_environment = [&context, &registry = *part->registry] {
      return IntakeEnvironment(context.addresses.own_http(), registry);
    };
  }
  part->log_sink = std::make_unique<functions::LogSink>(
      [&logs = *intake.intake](std::vector<functions::LogLine> lines) {
        StoreLines(logs, std::move(lines));
      },
      context.metrics);
  options.on_line = [&sink = *part->log_sink](const std::string& function,
                                              const std::string& request_id,
                                              std::string_view line) {
    sink.Add(function, request_id, line);
  };
  part->code = MakeCodeStore(context, *part->registry);
  options.account = context.account;
  options.code = part->code.get();
  options.fs = &world.fs;
  part->host = std::make_unique<functions::Host>(std::move(options),
                                                 *part->registry,
                                                 *intake.loopback,
                                                 *context.outside,
                                                 world.clock,
                                                 world.random,
                                                 context.metrics);
  functions::AsyncQueue::Options async;
  async.dir = context.directory.invocations();
  async.durability = context.durability();
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(part->async_queue,
                   functions::AsyncQueue::Create({*part->host,
                                                  *part->registry,
                                                  world.fs,
                                                  world.clock,
                                                  world.random,
                                                  context.metrics,
                                                  context.directory.secret_box()},
                                                 std::move(async),
                                                 &recovery));
  context.NoteRecovery("invocations", recovery);
  part->host->SetAsync(
      [&queue = *part->async_queue](const functions::Function& function, std::string event) {
        const auto taken = queue.Add(function, std::move(event));
        return taken ? Status() : Status(Fail(taken.error()));
      });
  return part;
}

void FunctionsPart::Start() { async_queue->Start(); }

void FunctionsPart::Interrupt() { host->Interrupt(); }

void FunctionsPart::Stop() { async_queue->Stop(); }

}  // namespace postglass
