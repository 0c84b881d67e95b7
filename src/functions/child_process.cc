#include "functions/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <system_error>

namespace postglass::functions {
namespace {

constexpr int kNotStarted = 127;
constexpr std::uint64_t kCoreBytes = 0;  // no dumps with other people's data in them

std::string Reason(int error) { return std::system_category().message(error); }

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Everything the new process needs, made before it is there: between vfork and exec it shares this
// process's memory and may only make system calls.
struct Plan {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* directory;  // null: stay
  int output_fd;
  pid_t parent;
  ChildProcess::Limits limits;
  volatile int error = 0;  // out: errno of what failed
};

bool Limit(__rlimit_resource_t resource, std::uint64_t most) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return false;
  limit.rlim_cur = std::min<rlim_t>(most, limit.rlim_max);
  limit.rlim_max = limit.rlim_cur;
  return setrlimit(resource, &limit) == 0;
}

[[noreturn]] void GiveUp(Plan& plan) {
  plan.error = errno;
  _exit(kNotStarted);
}

[[noreturn]] void Become(Plan& plan) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(kNotStarted);  // it ended before the line above

  struct sigaction usual {};

  usual.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  const int empty = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (empty < 0 || dup2(empty, STDIN_FILENO) < 0) GiveUp(plan);
  if (dup2(plan.output_fd, STDOUT_FILENO) < 0 || dup2(plan.output_fd, STDERR_FILENO) < 0) {
    GiveUp(plan);
  }
  // Whatever some library opened without close-on-exec stays here.
  if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0) GiveUp(plan);
  if (!Limit(RLIMIT_CORE, kCoreBytes)) GiveUp(plan);
  if (plan.limits.data_bytes > 0 && !Limit(RLIMIT_DATA, plan.limits.data_bytes)) GiveUp(plan);
  if (plan.limits.file_bytes > 0 && !Limit(RLIMIT_FSIZE, plan.limits.file_bytes)) GiveUp(plan);
  if (plan.limits.open_files > 0 && !Limit(RLIMIT_NOFILE, plan.limits.open_files)) GiveUp(plan);
  if (plan.directory != nullptr && chdir(plan.directory) != 0) GiveUp(plan);
  execve(plan.program, plan.arguments, plan.environment);
  GiveUp(plan);
}

// Not fork(): it would copy the page tables of a server that may be large.
[[gnu::noinline]] pid_t Spawn(Plan& plan) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  // NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork,clang-analyzer-unix.Vfork): see Plan
  const pid_t pid = vfork();
  if (pid == 0) Become(plan);  // NOLINT(clang-analyzer-unix.Vfork): makes system calls only
  if (pid < 0) plan.error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

}  // namespace

Result<std::unique_ptr<ChildProcess>> ChildProcess::Start(Options options) {
  std::array<int, 2> pipe_fds{};
  if (pipe2(pipe_fds.data(), O_CLOEXEC) != 0) {
    return Fail(ErrorCode::kIo, fmt::format("pipe: {}", Reason(errno)));
  }
  fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);
  const int stop_fd = eventfd(0, EFD_CLOEXEC);
  if (stop_fd < 0) {
    const int error = errno;
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    return Fail(ErrorCode::kIo, fmt::format("eventfd: {}", Reason(error)));
  }
  std::vector<std::string> arguments = {options.program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  std::vector<std::string> environment;
  for (const auto& [name, value] : options.environment) {
    environment.push_back(fmt::format("{}={}", name, value));
  }
  const std::vector<char*> argument_pointers = Pointers(arguments);
  const std::vector<char*> environment_pointers = Pointers(environment);
  Plan plan{options.program.c_str(),
            argument_pointers.data(),
            environment_pointers.data(),
            options.directory.empty() ? nullptr : options.directory.c_str(),
            pipe_fds[1],
            getpid(),
            options.limits};
  const pid_t pid = Spawn(plan);
  close(pipe_fds[1]);
  if (plan.error != 0) {
    if (pid > 0) {
      while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
      }
    }
    close(pipe_fds[0]);
    close(stop_fd);
    return Fail(plan.error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("{}: {}", options.program, Reason(plan.error)));
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(std::move(options), pid, pipe_fds[0], stop_fd));
}

ChildProcess::ChildProcess(Options options, pid_t pid, int output_fd, int stop_fd)
    : options_(std::move(options)), pid_(pid), output_fd_(output_fd), stop_fd_(stop_fd) {
  reader_ = std::thread([this] { ReadLines(); });
}

ChildProcess::~ChildProcess() {
  Kill();
  Wait();
  // The pipe ends with the last process of the group, unless one left the group and still holds it.
  eventfd_write(stop_fd_, 1);
  reader_.join();
  close(output_fd_);
  close(stop_fd_);
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

void ChildProcess::HandLineOver() {
  if (!line_.empty() && options_.on_line) options_.on_line(line_);
  line_.clear();
}

// False at the end of the pipe.
bool ChildProcess::ReadAvailable() {
  std::array<char, 4096> piece;
  for (;;) {
    const ssize_t got = read(output_fd_, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) return false;
    for (const char c : std::string_view(piece.data(), static_cast<std::size_t>(got))) {
      if (c != '\n') line_ += c;
      if (c == '\n' || line_.size() == kLineBytesMax) HandLineOver();
    }
  }
}

void ChildProcess::ReadLines() {
  for (bool open = true; open;) {
    std::array<pollfd, 2> ready{pollfd{output_fd_, POLLIN, 0}, pollfd{stop_fd_, POLLIN, 0}};
    if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) break;
    MutexLock reading(read_mutex_);
    open = ReadAvailable() && ready[1].revents == 0;
    if (!open) HandLineOver();
  }
}

void ChildProcess::Drain() {
  MutexLock reading(read_mutex_);
  static_cast<void>(ReadAvailable());
  HandLineOver();
}

std::uint64_t ChildProcess::PeakMemoryBytes() const {
  MutexLock lock(mutex_);
  if (ended_) return 0;
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  constexpr std::string_view kPeak = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(kPeak)) continue;
    const std::size_t digits = line.find_first_of("0123456789");
    if (digits == std::string::npos) return 0;
    std::uint64_t kilobytes = 0;
    std::from_chars(line.data() + digits, line.data() + line.size(), kilobytes);
    return kilobytes << 10;
  }
  return 0;
}

}  // namespace postglass::functions
