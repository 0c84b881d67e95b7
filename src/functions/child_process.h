#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"

namespace postglass::functions {

// A program in a process group of its own with nothing inherited but what is given: no environment,
// no open files; stdin is empty, stdout and stderr come back line by line. Thread-safe.
class ChildProcess {
 public:
  static constexpr std::size_t kLineBytesMax = 16 << 10;  // longer lines are cut into several

  struct Options {
    std::string program;                 // a path
    std::vector<std::string> arguments;  // behind the program's name
    std::map<std::string, std::string, std::less<>> environment;
    std::function<void(std::string_view line)> on_line;  // on a thread of the child's
  };

  // kIo, kNotFound when it cannot be started.
  static Result<std::unique_ptr<ChildProcess>> Start(Options options);
  // Kills the group when it still runs, and waits for its end.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // SIGKILL to the whole group; nothing when the process was waited for.
  void Kill();
  // Blocks until it ends: its exit code, or 128 plus the signal that ended it.
  int Wait();

 private:
  ChildProcess(Options options, pid_t pid, int output_fd);
  void ReadLines();

  Options options_;
  const pid_t pid_;
  const int output_fd_;
  Mutex wait_mutex_;  // one waiter; the others get its result
  Mutex mutex_;
  bool ended_ GUARDED_BY(mutex_) = false;
  int exit_code_ GUARDED_BY(mutex_) = 0;
  std::thread reader_;
};

}  // namespace postglass::functions
