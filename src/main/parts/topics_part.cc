#include "main/parts/topics_part.h"

#include <fmt/format.h>

#include "aws/arn.h"

namespace postglass {
namespace {

Result<std::unique_ptr<queues::QueueService>> MakeQueues(PartContext& context) {
  queues::QueueService::Options options;
  options.dir = context.directory.queues();
  options.account = context.account;
  options.durability = context.durability();
  options.may_take = [&disk = *context.disk] { return disk.MayWrite(); };
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(auto queues,
                   queues::QueueService::Create({context.directory.settings(),
                                                 context.world.fs,
                                                 context.world.clock,
                                                 context.world.random,
                                                 context.metrics,
                                                 context.directory.secret_box()},
                                                std::move(options),
                                                &recovery));
  context.NoteRecovery("queues", recovery);
  return queues;
}

Result<std::unique_ptr<topics::TopicService>> MakeTopics(PartContext& context,
                                                         AccessPart& access,
                                                         StatusLogWriter& status_log,
                                                         FunctionsPart& functions,
                                                         queues::QueueService& queues) {
  topics::TopicService::Options options;
  options.dir = context.directory.outbox();
  options.account = context.account;
  options.public_url = [&context] { return context.addresses.public_url(); };
  options.private_endpoints = context.options.Bool("topics.private_endpoints")
                                  ? topics::PrivateEndpoints::kAllowed
                                  : topics::PrivateEndpoints::kDenied;
  options.status_log = [&status_log](const std::string& group, std::vector<json::object> entries) {
    status_log.Add(group, std::move(entries));
  };
  options.durability = context.durability();
  options.commit_spacing = kCommitSpacing;
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(auto topics,
                   topics::TopicService::Create({context.directory.settings(),
                                                 context.world.fs,
                                                 context.world.clock,
                                                 context.world.random,
                                                 context.metrics,
                                                 context.directory.secret_box(),
                                                 *context.outside,
                                                 *functions.host,
                                                 queues,
                                                 *access.signer},
                                                std::move(options),
                                                &recovery));
  context.NoteRecovery("outbox", recovery);
  return topics;
}

// What a function's event came to, into a queue or topic. Both are asked as the account itself: in
// AWS the function's role does it.
Status DeliverParcel(queues::QueueService& queues,
                     topics::TopicService& topics,
                     functions::AsyncQueue::Parcel parcel) {
  const auto arn = aws::ParseArn(parcel.target_arn);
  if (arn && arn->service == "sqs") {
    const auto queue = queues.registry().FindByArn(parcel.target_arn);
    if (!queue) return Fail(ErrorCode::kNotFound, "there is no such queue");
    queues::QueueService::Outgoing outgoing;
    outgoing.message.body = std::move(parcel.body);
    outgoing.message.attributes = std::move(parcel.attributes);
    outgoing.message.sender_id = "lambda.amazonaws.com";
    std::vector<queues::QueueService::Outgoing> messages;
    messages.push_back(std::move(outgoing));
    const auto sent = queues.Send(*queue, std::move(messages));
    return sent ? Status() : Status(Fail(sent.error()));
  }
  topics::Message message;
  message.topic_arn = parcel.target_arn;
  message.body = std::move(parcel.body);
  for (queues::MessageAttribute& attribute : parcel.attributes) {
    message.attributes.push_back(
        {std::move(attribute.name), std::move(attribute.type), std::move(attribute.value)});
  }
  const auto published = topics.Publish(std::move(message));
  return published ? Status() : Status(Fail(published.error()));
}

}  // namespace

Result<std::unique_ptr<TopicsPart>> TopicsPart::Make(PartContext& context,
                                                     AccessPart& access,
                                                     IntakePart& intake,
                                                     FunctionsPart& functions) {
  auto part = std::make_unique<TopicsPart>();
  ASSIGN_OR_RETURN(part->queues, MakeQueues(context));
  part->status_log = std::make_unique<StatusLogWriter>(*intake.intake, context.metrics);
  ASSIGN_OR_RETURN(part->topics,
                   MakeTopics(context, access, *part->status_log, functions, *part->queues));
  queues::QueueService& queues = *part->queues;
  topics::TopicService& topics = *part->topics;
  queues.SetRedelivery(
      [&topics](const queues::Message& dead_letter) { return topics.Redeliver(dead_letter); });
  functions.async_queue->SetDeliver([&queues, &topics](functions::AsyncQueue::Parcel parcel) {
    return DeliverParcel(queues, topics, std::move(parcel));
  });
  context.health.Add("topics", [&topics]() -> Health::Finding {
    const topics::TopicService::Health state = topics.health();
    if (!state.writable) return {false, state.reason};
    if (state.dead_letters == 0) return {};
    return {true, fmt::format("{} dead letters wait to be looked at", state.dead_letters)};
  });
  context.health.Add("queues", [&queues]() -> Health::Finding {
    const queues::QueueService::Health state = queues.health();
    return {state.writable, state.reason};
  });
  return part;
}

void TopicsPart::Start() {
  queues->Start();
  status_log->Start();
  topics->Start();
}

void TopicsPart::Stop() {
  topics->Stop();
  status_log->Stop();
  queues->Stop();
}

}  // namespace postglass
