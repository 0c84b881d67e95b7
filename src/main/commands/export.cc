#include "query/export.h"

#include <fmt/format.h>

#include <cerrno>
#include <memory>
#include <system_error>

#include "base/encoding.h"
#include "main/commands/ask.h"
#include "main/commands/progress.h"
#include "main/local_store.h"
#include "net/http_stream.h"

namespace postglass {
namespace {

constexpr std::chrono::seconds kSilenceMax{120};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

// Where the text goes: standard output, or a file that gets its name when it is whole.
class Output {
 public:
  static Result<Output> Open(const ExportFlags& flags) {
    const std::string& path = flags.output;
    Output output(path, flags.format == "csv");
    if (path.empty()) return output;
    output.file_.reset(std::fopen(output.Partial().c_str(), "wb"));
    if (!output.file_) return Fail(output.Broken("open"));
    return output;
  }

  Status Write(std::string_view text) {
    std::FILE* to = file_ ? file_.get() : stdout;
    if (std::fwrite(text.data(), 1, text.size(), to) != text.size()) return Fail(Broken("write"));
    Count(text);
    return {};
  }

  Status Finish() {
    if (!file_) return std::fflush(stdout) == 0 ? Status() : Status(Fail(Broken("write")));
    if (std::fclose(file_.release()) != 0) return Fail(Broken("write"));
    if (std::rename(Partial().c_str(), path_.c_str()) != 0) return Fail(Broken("rename"));
    return {};
  }

  std::uint64_t bytes() const { return bytes_; }

  // Without the header of CSV.
  std::uint64_t events() const { return csv_ && lines_ > 0 ? lines_ - 1 : lines_; }

 private:
  Output(std::string path, bool csv) : path_(std::move(path)), csv_(csv) {}

  std::string Partial() const { return path_ + ".partial"; }

  Error Broken(std::string_view what) const {
    const int code = errno;
    return {code == ENOSPC ? ErrorCode::kDiskFull : ErrorCode::kIo,
            fmt::format("{}: cannot {}: {}",
                        path_.empty() ? "standard output" : path_,
                        what,
                        std::generic_category().message(code))};
  }

  // Lines, but for those inside quotes of CSV; JSON has every line end escaped.
  void Count(std::string_view text) {
    bytes_ += text.size();
    for (const char c : text) {
      if (c == '"') quoted_ = !quoted_;
      lines_ += c == '\n' && !(csv_ && quoted_);
    }
  }

  std::string path_;
  bool csv_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::uint64_t bytes_ = 0;
  std::uint64_t lines_ = 0;
  bool quoted_ = false;
};

Status FromServer(ServerClient& server, const ExportFlags& flags, Output& output) {
  net::HttpClient::Request request;
  request.url = fmt::format("{}/api/v2/postglass/export?query={}&from={}&to={}&format={}",
                            server.url(),
                            PercentEncode(flags.query),
                            PercentEncode(flags.from),
                            PercentEncode(flags.to),
                            PercentEncode(flags.format));
  if (!flags.columns.empty()) request.url += "&columns=" + PercentEncode(flags.columns);
  request.headers = server.headers();
  request.timeout = kSilenceMax;
  Status written;
  Status streamed = net::StreamGet({}, request, kSilenceMax, [&](std::string_view piece) {
    written = output.Write(piece);
    return written.has_value();
  });
  if (!written) return written;
  if (!streamed) return Fail(WithReadableMessage(streamed.error()));
  return {};
}

Status FromDirectory(const CommandContext& context,
                     const Path& data,
                     const ExportFlags& flags,
                     Output& output) {
  query::ExportRequest request;
  request.query = flags.query;
  request.from = flags.from;
  request.to = flags.to;
  if (flags.format == "csv") request.format = query::ExportRequest::Format::kCsv;
  if (!flags.columns.empty()) request.columns = query::SplitColumns(flags.columns);
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalStore> local, LocalStore::Open(context, data));
  query::QueryRunner runner(local->store(), context.clock, local->metrics(), {});
  query::SearchService search(runner, context.clock);
  ASSIGN_OR_RETURN(query::Exporter exporter, query::Exporter::Create(search, std::move(request)));
  while (!exporter.done()) {
    auto piece = exporter.Next();
    if (const auto* error = std::get_if<query::SearchError>(&piece)) {
      const bool callers = error->kind == query::SearchError::Kind::kBadQuery ||
                           error->kind == query::SearchError::Kind::kBadRequest;
      std::string text = error->message;
      if (error->position) text += fmt::format(" (at character {})", *error->position + 1);
      return Fail(callers ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable, text);
    }
    RETURN_IF_ERROR(output.Write(std::get<std::string>(piece)));
  }
  for (const std::string& damage : exporter.damage()) {
    std::fprintf(stderr, "postglass: stored events could not be read: %s\n", damage.c_str());
  }
  return {};
}

}  // namespace

int RunExport(const CommandContext& context, const ExportFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const auto server = ServerClient::Connect(context.fs, data, flags.server);
  if (!server && server.error().code != ErrorCode::kUnavailable) return FailWith(server.error());
  Result<Output> output = Output::Open(flags);
  if (!output) return FailWith(output.error());
  const Status exported =
      server ? FromServer(**server, flags, *output) : FromDirectory(context, data, flags, *output);
  if (!exported) return FailWith(exported.error());
  if (const Status finished = output->Finish(); !finished) return FailWith(finished.error());
  const std::uint64_t events = output->events();
  std::fprintf(stderr,
               "%llu events, %s\n",
               static_cast<unsigned long long>(events),
               BytesText(output->bytes()).c_str());
  return events > 0 ? kExitOk : kExitNothingFound;
}

}  // namespace postglass
