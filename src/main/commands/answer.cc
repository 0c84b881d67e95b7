#include "query/answer.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "main/commands/ask.h"
#include "main/local_store.h"
#include "query/output.h"

namespace postglass {
namespace {

// The server renders the terminal text as well, so that both ways say the very same.
Result<std::pair<bool, std::string>> AskServer(ServerClient& server,
                                               const AnswerFlags& flags,
                                               bool color) {
  ASSIGN_OR_RETURN(const net::HttpResponse response,
                   server.Call("GET",
                               fmt::format("/api/v2/postglass/answer?address={}&format={}",
                                           PercentEncode(flags.address),
                                           flags.json ? "json"
                                           : color    ? "terminal_color"
                                                      : "terminal")));
  if (flags.json) {
    ASSIGN_OR_RETURN(const json::object answer, json::ParseObject(response.body));
    return std::pair(json::GetBool(answer, "found").value_or(false), response.body + "\n");
  }
  return std::pair(response.headers.Get("X-Postglass-Found") == "true", response.body);
}

Result<std::pair<bool, std::string>> AskDirectory(const CommandContext& context,
                                                  const Path& data,
                                                  const AnswerFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<LocalStore> local, LocalStore::Open(context, data));
  query::QueryRunner runner(local->store(), context.clock, local->metrics(), {});
  query::AnswerService service(runner, context.clock);
  ASSIGN_OR_RETURN(const query::Answer answer, service.AnswerFor(flags.address));
  return std::pair(
      !answer.mails.empty(),
      flags.json ? query::AnswerJson(answer) + "\n"
                 : query::AnswerTerminalText(
                       answer, context.color ? query::Colour::kAlways : query::Colour::kNever));
}

}  // namespace

int RunAnswer(const CommandContext& context, const AnswerFlags& flags) {
  const Path data = context.DataPath(flags.data);
  auto server = ServerClient::Connect(context.fs, data, flags.server);
  if (!server && server.error().code != ErrorCode::kUnavailable) return FailWith(server.error());
  const auto answer =
      server ? AskServer(**server, flags, context.color) : AskDirectory(context, data, flags);
  if (!answer) return FailWith(answer.error());
  Print(answer->second);
  return answer->first ? kExitOk : kExitNothingFound;
}

}  // namespace postglass
