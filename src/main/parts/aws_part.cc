#include "main/parts/aws_part.h"

#include <algorithm>
#include <iterator>

namespace postglass {
namespace {

constexpr std::string_view kLambdaPathPrefixes[] = {
    "/2015-03-31/", "/2017-03-31/", "/2017-10-31/", "/2019-09-25/", "/2019-09-30/", "/2020-06-30/"};

}  // namespace

std::unique_ptr<AwsPart> AwsPart::Make(PartContext& context,
                                       AccessPart& access,
                                       FunctionsPart& functions,
                                       TopicsPart& topics,
                                       DestinationsPart& destinations,
                                       MailPart& mail) {
  auto part = std::make_unique<AwsPart>();
  const Server::World& world = context.world;
  const mail::SesBackend ses{context.account,
                             *mail.mailer,
                             *mail.configuration_sets,
                             *mail.identities,
                             *mail.templates,
                             *mail.suppression,
                             *mail.account_state,
                             *mail.dkim,
                             *topics.topics,
                             world.clock,
                             world.random,
                             context.metrics};
  part->ses_v1 = std::make_unique<mail::SesV1Api>(ses);
  part->ses_v2 = std::make_unique<mail::SesV2Api>(ses);
  part->sns = std::make_unique<topics::SnsApi>(*topics.topics, world.clock, world.random);
  part->sqs = std::make_unique<queues::SqsApi>(*topics.queues, world.clock);
  part->cloudwatch =
      std::make_unique<cloudwatch::CloudWatchApi>(*destinations.metric_store, world.clock);
  part->firehose = std::make_unique<streams::FirehoseApi>(*destinations.streams);
  part->lambda = std::make_unique<functions::LambdaApi>(context.account,
                                                        *functions.registry,
                                                        *functions.host,
                                                        *functions.async_queue,
                                                        functions.code.get(),
                                                        context.world.clock);
  part->sts = std::make_unique<aws::StsService>(context.account, access.sessions.get());
  part->iam =
      std::make_unique<access::IamApi>(*access.iam, *access.keys, world.clock, world.random);
  part->gateway = std::make_unique<aws::Gateway>(
      context.account, *access.keys, world.clock, world.random, context.metrics);
  aws::Gateway& gateway = *part->gateway;
  gateway.UseSessions(*access.sessions);
  gateway.Register("ses", "/", *part->ses_v1);
  gateway.Register("ses", "/v2/email/", *part->ses_v2);
  gateway.Register("sns", "/", *part->sns);
  gateway.Register("sqs", "/", *part->sqs);
  gateway.Register("monitoring", "/", *part->cloudwatch);
  gateway.Register("firehose", "/", *part->firehose);
  gateway.Register("lambda", "/", *part->lambda);
  gateway.Register("sts", "/", *part->sts);
  gateway.Register("iam", "/", *part->iam);
  return part;
}

void AwsPart::AddRoutes(Router& router) {
  router.Add(
      [](const net::HttpRequest& request) {
        if (aws::Gateway::IsAwsRequest(request)) return true;
        const std::string_view path = request.path();
        if (path.starts_with("/v2/email/")) return true;
        return std::any_of(std::begin(kLambdaPathPrefixes),
                           std::end(kLambdaPathPrefixes),
                           [&](std::string_view prefix) { return path.starts_with(prefix); });
      },
      [&gateway = *gateway](const net::HttpRequest& request) { return gateway.Handle(request); });
}

}  // namespace postglass
