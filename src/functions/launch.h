#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "base/result.h"
#include "functions/child_process.h"
#include "functions/function.h"

namespace postglass::functions {

// How the program of a function is started.
struct Launch {
  std::string program;
  std::vector<std::string> arguments;
  std::string directory;  // LAMBDA_TASK_ROOT; empty: none
  std::map<std::string, std::string, std::less<>> environment;
  ChildProcess::Limits limits;
};

// Of a function with code of its own, whose files are in `code`: runtimes `provided…` start the
// archive's bootstrap, `python…` our Python program on the machine's `python`. `environment` is the
// function's; what Lambda sets in addition comes over it.
// kUnsupported: no such runtime here; kNotFound: no bootstrap, no Python on this machine. The
// message says it for the function's author.
Result<Launch> PlanLaunch(const Function& function,
                          const aws::Account& account,
                          const FileSystem& fs,
                          const Path& code,
                          const Path& python,
                          std::map<std::string, std::string, std::less<>> environment);

// The variables that every sandbox has, whatever runs in it.
void AddLambdaVariables(const Function& function,
                        std::map<std::string, std::string, std::less<>>& environment);

ChildProcess::Limits LimitsOf(const Function& function);

// The program that runs Python functions, as a text for `python3 -c`.
std::string_view PythonRuntime();

}  // namespace postglass::functions
