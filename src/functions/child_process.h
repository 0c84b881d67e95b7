#pragma once

#include <sys/types.h>

#include <cstdint>
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

  struct Limits {                  // setrlimit(2); 0: as this process has it
    std::uint64_t data_bytes = 0;  // writable memory (RLIMIT_DATA)
    std::uint64_t file_bytes = 0;  // of one file it writes
    std::uint64_t open_files = 0;
  };

  struct Options {
    std::string program;                 // a path
    std::vector<std::string> arguments;  // behind the program's name
    std::map<std::string, std::string, std::less<>> environment;
    std::function<void(std::string_view line)> on_line;  // from any thread, one call at a time
    std::string directory = {};                          // its working directory; empty: this one's
    Limits limits = {};
  };

  // The kernel kills the program when the thread that called Start() ends, so the program does not
  // outlive a server that is killed: call it on a thread that lives as long as the child is needed.
  // (What the program itself started is killed with its group, by this object alone.)
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
  // Hands over what it has written so far; the last line also when it is not ended.
  void Drain();
  // The most physical memory it had, in bytes; 0 when that cannot be told (any more).
  std::uint64_t PeakMemoryBytes() const;

 private:
  ChildProcess(Options options, pid_t pid, int output_fd, int stop_fd);
  void ReadLines();
  bool ReadAvailable() REQUIRES(read_mutex_);
  void HandLineOver() REQUIRES(read_mutex_);

  Options options_;
  const pid_t pid_;
  const int output_fd_;  // does not block
  const int stop_fd_;    // readable: read no more
  Mutex read_mutex_;     // held over on_line, so that lines keep their order
  std::string line_ GUARDED_BY(read_mutex_);
  Mutex wait_mutex_;  // one waiter; the others get its result
  mutable Mutex mutex_;
  bool ended_ GUARDED_BY(mutex_) = false;
  int exit_code_ GUARDED_BY(mutex_) = 0;
  std::thread reader_;
};

}  // namespace postglass::functions
