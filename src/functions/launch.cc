#include "functions/launch.h"

#include <fmt/format.h>

namespace postglass::functions {
namespace {

// MemorySize bounds what a function works with; Lambda does not count what the runtime itself maps
// (thread stacks, arenas), RLIMIT_DATA does.
constexpr std::uint64_t kRuntimeDataBytes = 256u << 20;
constexpr std::uint64_t kOpenFiles = 1024;  // Lambda's

}  // namespace

ChildProcess::Limits LimitsOf(const Function& function) {
  ChildProcess::Limits limits;
  limits.data_bytes =
      (static_cast<std::uint64_t>(function.memory_megabytes) << 20) + kRuntimeDataBytes;
  limits.file_bytes = static_cast<std::uint64_t>(function.ephemeral_megabytes) << 20;
  limits.open_files = kOpenFiles;
  return limits;
}

void AddLambdaVariables(const Function& function,
                        std::map<std::string, std::string, std::less<>>& environment) {
  const auto set = [&environment](std::string name, std::string value) {
    environment.insert_or_assign(std::move(name), std::move(value));
  };
  set("AWS_LAMBDA_FUNCTION_NAME", function.name);
  set("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
  set("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", std::to_string(function.memory_megabytes));
  set("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
  set("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/" + function.name);
  set("AWS_LAMBDA_LOG_STREAM_NAME", "$LATEST");
  set("_HANDLER", function.handler);
  set("TZ", ":UTC");
}

Result<Launch> PlanLaunch(const Function& function,
                          const aws::Account& account,
                          const FileSystem& fs,
                          const Path& code,
                          const Path& python,
                          std::map<std::string, std::string, std::less<>> environment) {
  Launch launch;
  launch.directory = code.string();
  launch.limits = LimitsOf(function);
  launch.environment = std::move(environment);
  // A function may set these itself.
  launch.environment.emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
  launch.environment.emplace("LANG", "C.UTF-8");
  launch.environment.emplace("AWS_REGION", account.region);
  launch.environment.emplace("AWS_DEFAULT_REGION", account.region);
  AddLambdaVariables(function, launch.environment);
  launch.environment.insert_or_assign("LAMBDA_TASK_ROOT", launch.directory);
  launch.environment.insert_or_assign("LAMBDA_RUNTIME_DIR", launch.directory);
  launch.environment.insert_or_assign("AWS_EXECUTION_ENV", "AWS_Lambda_" + function.runtime);

  if (function.runtime.starts_with("provided")) {
    const Path bootstrap = code / "bootstrap";
    if (!fs.Exists(bootstrap)) {
      return Fail(ErrorCode::kNotFound,
                  fmt::format("function {}: its archive has no file \"bootstrap\" at the root",
                              function.name));
    }
    launch.program = bootstrap.string();
    return launch;
  }
  if (function.runtime.starts_with("python")) {
    if (!fs.Exists(python)) {
      return Fail(
          ErrorCode::kNotFound,
          fmt::format("function {}: runtime {} needs {}, which is not there: apt-get install "
                      "python3",
                      function.name,
                      function.runtime,
                      python.string()));
    }
    launch.program = python.string();
    // No user's site packages (-s); nothing is written beside the code (-B).
    launch.arguments = {"-s", "-B", "-c", std::string(PythonRuntime())};
    return launch;
  }
  return Fail(ErrorCode::kUnsupported,
              fmt::format("function {}: runtime {} is not supported here; provided.* and python3.* "
                          "are",
                          function.name,
                          function.runtime.empty() ? "(none)" : function.runtime));
}

}  // namespace postglass::functions
