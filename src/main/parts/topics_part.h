#pragma once

#include <memory>

#include "main/parts/access_part.h"
#include "main/parts/functions_part.h"
#include "main/parts/intake_part.h"
#include "main/parts/part_context.h"
#include "main/status_log_writer.h"
#include "queues/queue_service.h"
#include "topics/topic_service.h"

namespace postglass {

// Topics, and the queues that are subscribed to them or hold their dead letters.
struct TopicsPart {
  static Result<std::unique_ptr<TopicsPart>> Make(PartContext& context,
                                                  AccessPart& access,
                                                  IntakePart& intake,
                                                  FunctionsPart& functions);

  void Start();
  void Stop();

  std::unique_ptr<queues::QueueService> queues;
  std::unique_ptr<StatusLogWriter> status_log;
  std::unique_ptr<topics::TopicService> topics;
};

}  // namespace postglass
