#pragma once

#include <string>

#include "main/commands/context.h"

namespace postglass {

struct DeadLettersFlags {
  std::string data;
  bool json = false;
  std::string queue;  // a queue's instead of the server's own
  std::string id;     // redrive: only this one of the server's own
  std::size_t count = 100;
};

// What could not be delivered: shown, and delivered again. They need a running server.
int RunDeadLettersList(const CommandContext& context, const DeadLettersFlags& flags);
int RunDeadLettersRedrive(const CommandContext& context, const DeadLettersFlags& flags);
// All queues and how many messages each holds.
int RunQueuesList(const CommandContext& context, const DeadLettersFlags& flags);

}  // namespace postglass
