#include <fmt/format.h>

#include "base/encoding.h"
#include "main/commands/ask.h"
#include "main/local_store.h"
#include "query/answer.h"
#include "query/output.h"

namespace postglass {
namespace {

// The server renders the terminal text as well, so that both ways say the very same.
Result<std::string> AskServer(ServerClient& server, const MailFlags& flags, bool color) {
  const std::string_view format = flags.json ? "json" : color ? "terminal_color" : "terminal";
  ASSIGN_OR_RETURN(
      const net::HttpResponse response,
      server.Call(
          "GET",
          fmt::format("/api/v2/postglass/mails/{}?format={}", PercentEncode(flags.id), format)));
  return flags.json ? response.body + "\n" : response.body;
}

Result<std::string> AskDirectory(const CommandContext& context,
                                 LocalStore& local,
                                 const MailFlags& flags) {
  query::QueryRunner runner(local.store(), context.clock, local.metrics(), {});
  query::AnswerService service(runner, context.clock);
  ASSIGN_OR_RETURN(const query::MailDetail detail, service.MailById(flags.id));
  if (flags.json) return query::MailDetailJson(detail) + "\n";
  return query::MailDetailTerminalText(
      detail, context.color ? query::Colour::kAlways : query::Colour::kNever);
}

int Show(const Result<std::string>& text) {
  if (text) {
    Print(*text);
    return kExitOk;
  }
  const int code = FailWith(text.error());
  return text.error().code == ErrorCode::kNotFound ? kExitNothingFound : code;
}

}  // namespace

int RunMail(const CommandContext& context, const MailFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const auto server = ServerClient::Connect(context.fs, data, flags.server);
  if (server) return Show(AskServer(**server, flags, context.color));
  if (server.error().code != ErrorCode::kUnavailable) return FailWith(server.error());
  const auto local = LocalStore::Open(context, data);
  if (!local) return FailWith(local.error());
  return Show(AskDirectory(context, **local, flags));
}

}  // namespace postglass
