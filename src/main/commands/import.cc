#include "main/commands/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/encoding.h"
#include "base/json.h"
#include "intake/intake.h"
#include "intake/limits.h"
#include "main/commands/progress.h"
#include "main/import_entry.h"
#include "main/line_source.h"
#include "main/local_store.h"
#include "pipelines/ses_pipeline.h"

namespace postglass {
namespace {

constexpr std::string_view kLogsPath = "/api/v2/logs";
constexpr std::size_t kBatchBytesMax = intake::kBodyBytesMax - (64 << 10);
constexpr std::size_t kBadLinesNamedMax = 20;
constexpr int kTriesMax = 60;
constexpr std::chrono::seconds kWaitMax{30};

// How far an import came, kept beside the file after every batch that was taken.
struct Progress {
  std::uint64_t text_bytes = 0;
  std::uint64_t lines = 0;
  std::uint64_t sent = 0;
  std::uint64_t bad = 0;
};

class StateFile {
 public:
  StateFile(FileSystem& fs, const ImportFlags& flags, std::string target)
      : fs_(fs), target_(std::move(target)) {
    if (flags.file == "-") return;
    path_ = flags.state.empty() ? Path(flags.file + ".import-state") : Path(flags.state);
    std::error_code ignored;
    file_bytes_ = static_cast<std::int64_t>(std::filesystem::file_size(flags.file, ignored));
  }

  // From the beginning when there is no state. kInvalidArgument when it is another file's or
  // another server's.
  Result<Progress> Load() const {
    if (path_.empty() || !fs_.Exists(path_)) return Progress();
    ASSIGN_OR_RETURN(const std::string text, fs_.ReadFile(path_, 64 << 10));
    const Result<json::object> state = json::ParseObject(text);
    const bool same = state && json::GetInt(*state, "file_bytes") == file_bytes_ &&
                      json::GetStringOr(*state, "target", "") == target_;
    if (!same) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} tells of an import of another file or to somewhere else; remove "
                              "it to begin anew",
                              path_.string()));
    }
    const auto number = [&state](std::string_view name) {
      return static_cast<std::uint64_t>(
          std::max<std::int64_t>(0, json::GetInt(*state, name).value_or(0)));
    };
    return Progress{number("text_bytes"), number("lines"), number("sent"), number("bad")};
  }

  Status Save(const Progress& progress) const {
    if (path_.empty()) return {};
    const auto number = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
    const json::object state{{"file_bytes", file_bytes_},
                             {"target", target_},
                             {"text_bytes", number(progress.text_bytes)},
                             {"lines", number(progress.lines)},
                             {"sent", number(progress.sent)},
                             {"bad", number(progress.bad)}};
    return fs_.WriteFileAtomically(path_, json::Serialize(state) + "\n");
  }

  Status Done() const {
    if (path_.empty() || !fs_.Exists(path_)) return {};
    return fs_.Remove(path_);
  }

 private:
  FileSystem& fs_;
  const std::string target_;
  Path path_;
  std::int64_t file_bytes_ = 0;
};

// Where the batches go: an intake, wherever it is.
class Target {
 public:
  virtual ~Target() = default;
  virtual std::string name() const = 0;
  virtual net::HttpClient& http() = 0;
  virtual net::HttpClient::Request Request() const = 0;  // without a body
};

// By URL and API key; on this machine without a key of its own, with one made for the import.
class ServerTarget final : public Target {
 public:
  static Result<std::unique_ptr<Target>> Open(std::unique_ptr<ServerClient> server,
                                              const ImportFlags& flags) {
    auto target = std::unique_ptr<ServerTarget>(new ServerTarget(std::move(server)));
    target->key_ = flags.server.api_key;
    if (!flags.server.url.empty()) {
      if (!target->key_.empty()) return std::unique_ptr<Target>(std::move(target));
      return Fail(ErrorCode::kInvalidArgument, "--url needs --api-key");
    }
    if (!target->key_.empty()) return std::unique_ptr<Target>(std::move(target));
    ASSIGN_OR_RETURN(const json::value made,
                     target->server_->CallJson(
                         "POST", "/api/v2/postglass/keys", R"({"kind":"api","name":"import"})"));
    target->key_ = made.is_object() ? json::GetStringOr(made.get_object(), "key", "") : "";
    target->own_key_ = true;
    return std::unique_ptr<Target>(std::move(target));
  }

  ~ServerTarget() override {
    if (!own_key_) return;
    const auto revoked = server_->Call("DELETE", "/api/v2/postglass/keys/" + PercentEncode(key_));
    if (!revoked) {
      std::fprintf(stderr,
                   "postglass: the key \"import\" could not be revoked: %s\n",
                   revoked.error().message.c_str());
    }
  }

  ServerTarget(const ServerTarget&) = delete;
  ServerTarget& operator=(const ServerTarget&) = delete;

  std::string name() const override { return server_->url(); }

  net::HttpClient& http() override { return server_->http(); }

  net::HttpClient::Request Request() const override {
    net::HttpClient::Request request;
    request.url = server_->url() + std::string(kLogsPath);
    request.headers.Add("DD-API-KEY", key_);
    return request;
  }

 private:
  explicit ServerTarget(std::unique_ptr<ServerClient> server) : server_(std::move(server)) {}

  std::unique_ptr<ServerClient> server_;
  std::string key_;
  bool own_key_ = false;
};

// An intake in this process over the data directory: no server runs on it.
class DirectoryTarget final : public Target, private access::KeyVerifier {
 public:
  static Result<std::unique_ptr<Target>> Open(const CommandContext& context, const Path& data) {
    ASSIGN_OR_RETURN(std::unique_ptr<LocalStore> local, LocalStore::Open(context, data));
    return std::unique_ptr<Target>(new DirectoryTarget(context, data, std::move(local)));
  }

  std::string name() const override { return data_.string(); }

  net::HttpClient& http() override { return *loopback_; }

  net::HttpClient::Request Request() const override {
    net::HttpClient::Request request;
    request.url = "http://directory" + std::string(kLogsPath);
    request.headers.Add("DD-API-KEY", "directory");
    return request;
  }

 private:
  DirectoryTarget(const CommandContext& context,
                  const Path& data,
                  std::unique_ptr<LocalStore> local)
      : data_(std::filesystem::absolute(data)),
        local_(std::move(local)),
        engine_(BuiltIn()),
        intake_(*this,
                engine_,
                local_->store(),
                context.clock,
                context.random,
                local_->metrics(),
                intake::Intake::Options()),
        handler_([this](const net::HttpRequest& request) { return intake_.Handle(request); }),
        loopback_(net::MakeLoopbackClient(handler_)) {}

  static std::vector<pipelines::Pipeline> BuiltIn() {
    std::vector<pipelines::Pipeline> built_in;
    built_in.push_back(pipelines::MakeSesPipeline());
    return built_in;
  }

  // Whoever may open the directory may write to it.
  bool IsApiKey(std::string_view) const override { return true; }

  bool IsApplicationKey(std::string_view) const override { return false; }

  const Path data_;
  std::unique_ptr<LocalStore> local_;
  pipelines::Engine engine_;
  intake::Intake intake_;
  net::HttpHandler handler_;
  std::unique_ptr<net::HttpClient> loopback_;
};

// The intake's words about logs that it did not take.
void PrintRefusals(const net::HttpResponse& response) {
  const Result<json::object> body = json::ParseObject(response.body);
  const json::array* errors = body ? json::GetArray(*body, "errors") : nullptr;
  if (errors == nullptr) return;
  for (const json::value& error : *errors) {
    if (!error.is_object()) continue;
    std::fprintf(stderr,
                 "postglass: refused: %s\n",
                 json::GetStringOr(error.get_object(), "detail", "").c_str());
  }
}

std::chrono::seconds WaitOf(const Result<net::HttpResponse>& response, int tries) {
  std::int64_t seconds = std::min(tries, 10);
  if (response) {
    const std::string_view text = response->headers.Get("Retry-After");
    std::from_chars(text.data(), text.data() + text.size(), seconds);
  }
  return std::clamp(std::chrono::seconds(seconds), std::chrono::seconds(1), kWaitMax);
}

// Until it is taken: durable, and visible to the next query.
Status Send(Target& target, const std::string& body) {
  net::HttpClient::Request request = target.Request();
  request.method = "POST";
  request.headers.Add("Content-Type", "application/json");
  request.body = body;
  request.timeout = std::chrono::seconds(60);
  for (int tries = 1;; ++tries) {
    const Result<net::HttpResponse> response = target.http().Send(request);
    if (response && response->status < 300) {
      PrintRefusals(*response);
      return {};
    }
    // All of the batch were bad: nothing to try again.
    if (response && response->status == 400) {
      PrintRefusals(*response);
      return Fail(ErrorCode::kInvalidArgument, "the intake refused a whole batch");
    }
    const bool later = response ? response->status == 429 || response->status >= 500
                                : response.error().code == ErrorCode::kUnavailable ||
                                      response.error().code == ErrorCode::kTimeout;
    if (!later || tries == kTriesMax) {
      return Fail(ErrorCode::kUnavailable,
                  response ? fmt::format("the intake answered {}", response->status)
                           : response.error().message);
    }
    std::this_thread::sleep_for(WaitOf(response, tries));
  }
}

// The batch under way is sent and noted before an import ends: a signal handler can only say so
// here.
volatile std::sig_atomic_t interrupted = 0;

class Import {
 public:
  Import(LineSource source, Target& target, const StateFile& state, ProgressLine& line)
      : source_(std::move(source)), target_(target), state_(state), line_(line) {}

  Status Run(const Progress& from, std::uint64_t file_bytes) {
    progress_ = read_ = taken_ = from;
    RETURN_IF_ERROR(source_.Skip(from.text_bytes));
    while (interrupted == 0) {
      ASSIGN_OR_RETURN(const std::optional<LineSource::Line> line, source_.Next());
      if (!line) return Flush();
      read_.text_bytes = source_.text_bytes();
      Take(*line);
      line_.Update(source_.file_bytes(), std::max(file_bytes, source_.file_bytes()));
      const bool full =
          entries_ == intake::kArrayLogsMax || body_.size() + pending_.size() > kBatchBytesMax;
      if (full) RETURN_IF_ERROR(Flush());
      Add();
      taken_ = read_;
    }
    RETURN_IF_ERROR(Flush());
    return Fail(ErrorCode::kCancelled, "interrupted; the same command goes on from here");
  }

  const Progress& progress() const { return progress_; }

 private:
  void Take(const LineSource::Line& line) {
    ++read_.lines;
    pending_.clear();
    if (TrimAscii(line.text).empty() && !line.too_long) return;
    Result<std::string> entry = line.too_long ? Fail(ErrorCode::kInvalidArgument, "it is too long")
                                              : ImportEntry(line.text);
    if (entry) {
      pending_ = std::move(*entry);
      return;
    }
    if (++read_.bad > kBadLinesNamedMax) return;
    std::fprintf(stderr,
                 "postglass: line %llu is left out: %s\n",
                 static_cast<unsigned long long>(read_.lines),
                 entry.error().message.c_str());
  }

  void Add() {
    if (pending_.empty()) return;
    body_ += body_.empty() ? '[' : ',';
    body_ += pending_;
    ++entries_;
  }

  Status Flush() {
    if (entries_ > 0) RETURN_IF_ERROR(Send(target_, body_ + "]"));
    progress_.sent += entries_;
    progress_.text_bytes = taken_.text_bytes;
    progress_.lines = taken_.lines;
    progress_.bad = taken_.bad;
    entries_ = 0;
    body_.clear();
    return state_.Save(progress_);
  }

  LineSource source_;
  Target& target_;
  const StateFile& state_;
  ProgressLine& line_;
  Progress progress_;  // of what was taken
  std::string body_;
  std::string pending_;  // the entry that was read last; empty: none
  std::size_t entries_ = 0;
  Progress read_;   // up to behind the last line read
  Progress taken_;  // up to behind the last line that is in body_ or needs not be
};

}  // namespace

int RunImport(const CommandContext& context, const ImportFlags& flags) {
  Result<LineSource> source = LineSource::Open(flags.file);
  if (!source) return FailWith(source.error());
  const Path data = context.DataPath(flags.data);
  auto server = ServerClient::Connect(context.fs, data, flags.server);
  if (!server && server.error().code != ErrorCode::kUnavailable) return FailWith(server.error());
  auto target =
      server ? ServerTarget::Open(std::move(*server), flags) : DirectoryTarget::Open(context, data);
  if (!target) return FailWith(target.error());
  const StateFile state(context.fs, flags, (*target)->name());
  const Result<Progress> from = state.Load();
  if (!from) return FailWith(from.error());
  if (from->lines > 0) {
    std::fprintf(
        stderr, "going on behind line %llu\n", static_cast<unsigned long long>(from->lines));
  }
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { interrupted = 1; });
  std::error_code no_size;
  const std::uintmax_t file_bytes =
      flags.file == "-" ? 0 : std::filesystem::file_size(flags.file, no_size);
  ProgressLine line(context.clock, "import");
  Import import(std::move(*source), **target, state, line);
  const Status imported = import.Run(*from, no_size ? 0 : file_bytes);
  const Progress& progress = import.progress();
  std::fprintf(stderr,
               "%llu logs of %llu lines were taken, %llu lines left out\n",
               static_cast<unsigned long long>(progress.sent),
               static_cast<unsigned long long>(progress.lines),
               static_cast<unsigned long long>(progress.bad));
  if (!imported) return FailWith(imported.error());
  if (const Status done = state.Done(); !done) return FailWith(done.error());
  return progress.sent > 0 ? kExitOk : kExitNothingFound;
}

}  // namespace postglass
