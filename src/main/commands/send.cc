#include <fmt/format.h>

#include "access/key_ring.h"
#include "main/commands/ask.h"
#include "main/installation.h"
#include "main/ses_client.h"

namespace postglass {

int RunSend(const CommandContext& context, const SendFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const auto server = ServerClient::Connect(context.fs, data, {});
  if (!server) return FailWith(server.error());
  auto target = FindSesTarget(context, data, (*server)->url());
  if (!target) return FailWith(target.error());
  SesClient client((*server)->http(), context.clock, std::move(*target));
  for (const std::string& recipient : flags.to) {
    auto text = MakeMail(flags.template_name, recipient, context.random);
    if (!text) return FailWith(text.error());
    const auto id = client.Send({std::move(*text),
                                 {recipient},
                                 flags.configuration_set,
                                 {{"template", flags.template_name}}});
    if (!id) return FailWith(id.error());
    Print(fmt::format("sent to {}, message id {}\n", recipient, *id));
  }
  Print(fmt::format("What became of it: postglass answer {}\n", flags.to.front()));
  return kExitOk;
}

}  // namespace postglass
