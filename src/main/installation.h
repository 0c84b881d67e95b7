#pragma once

#include "aws/service.h"
#include "base/result.h"
#include "base/settings.h"
#include "main/commands/context.h"
#include "main/ses_client.h"

namespace postglass {

// Which cloud this installation plays: kept in Settings (kind "installation").
Result<aws::Account> LoadAccount(const Settings& settings);
// kInvalidArgument when region or account id do not look like ones.
Status SaveAccount(Settings& settings, const aws::Account& account);

// The topic that `init` makes and that every event of the default set goes to.
std::string MailEventsTopicArn(const aws::Account& account);
// The built-in forwarder's function.
std::string ForwarderArn(const aws::Account& account);

// How the commands on this machine sign mail to the server at `url`: with the first AWS key of the
// data directory, read from its files beside the running server.
Result<SesClient::Target> FindSesTarget(const CommandContext& context,
                                        const Path& data,
                                        const std::string& url);

}  // namespace postglass
