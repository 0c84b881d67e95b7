#include "functions/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace postglass::functions {
namespace {

// Frees what posix_spawn needs.
struct SpawnSetup {
  SpawnSetup() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }

  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

std::string Reason(int error) { return std::system_category().message(error); }

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(Options options) {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("pipe: {}", Reason(errno)));
  }
  SpawnSetup setup;
  posix_spawn_file_actions_addopen(&setup.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&setup.actions, pipe_fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&setup.actions, pipe_fds[1], STDERR_FILENO);
  // Whatever some library opened without close-on-exec stays here.
  posix_spawn_file_actions_addclosefrom_np(&setup.actions, STDERR_FILENO + 1);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setpgroup(&setup.attributes, 0);
  posix_spawnattr_setsigmask(&setup.attributes, &none);
  posix_spawnattr_setsigdefault(&setup.attributes, &all);
  posix_spawnattr_setflags(&setup.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> arguments = {options.program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment;
  for (const auto& [name, value] : options.environment) {
    environment.push_back(fmt::format("{}={}", name, value));
  }
  pid_t pid = 0;
  const int error = posix_spawn(&pid,
                                options.program.c_str(),
                                &setup.actions,
                                &setup.attributes,
                                Pointers(arguments).data(),
                                Pointers(environment).data());
  close(pipe_fds[1]);
  if (error != 0) {
    close(pipe_fds[0]);
    return Fail(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{}: {}", options.program, Reason(error)));
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(options), pid, pipe_fds[0]));
}

ChildProcess::ChildProcess(Options options, pid_t pid, int output_fd)
    : options_(std::move(options)), pid_(pid), output_fd_(output_fd) {
  reader_ = std::thread([this] { ReadLines(); });
}

ChildProcess::~ChildProcess() {
  Kill();
  Wait();
  reader_.join();  // the pipe ends with the last process of the group
  close(output_fd_);
}

void ChildProcess::Kill() {
  MutexLock lock(mutex_);
  // Before it is waited for, the id cannot belong to another process.
  if (!ended_) kill(-pid_, SIGKILL);
}

int ChildProcess::Wait() {
  MutexLock waiting(wait_mutex_);
  {
    MutexLock lock(mutex_);
    if (ended_) return exit_code_;
  }
  // First only look, so that Kill() can still name the group while this thread waits.
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  MutexLock lock(mutex_);
  kill(-pid_, SIGKILL);  // what the program started and left behind
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  ended_ = true;
  exit_code_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return exit_code_;
}

void ChildProcess::ReadLines() {
  std::string line;
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t got = read(output_fd_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    for (const char c : std::string_view(piece.data(), static_cast<std::size_t>(got))) {
      if (c != '\n') line += c;
      if (c == '\n' || line.size() == kLineBytesMax) {
        if (!line.empty() && options_.on_line) options_.on_line(line);
        line.clear();
      }
    }
  }
  if (!line.empty() && options_.on_line) options_.on_line(line);
}

}  // namespace postglass::functions
