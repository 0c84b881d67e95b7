#pragma once

#include <memory>

#include "access/iam_api.h"
#include "aws/sts_service.h"
#include "cloudwatch/cloudwatch_api.h"
#include "functions/lambda_api.h"
#include "mail/api/ses_v1_api.h"
#include "mail/api/ses_v2_api.h"
#include "main/parts/access_part.h"
#include "main/parts/destinations_part.h"
#include "main/parts/functions_part.h"
#include "main/parts/mail_part.h"
#include "main/parts/part_context.h"
#include "main/parts/topics_part.h"
#include "main/router.h"
#include "queues/sqs_api.h"
#include "streams/firehose_api.h"
#include "topics/sns_api.h"

namespace postglass {

// The AWS APIs, all behind one gateway, which knows who calls.
struct AwsPart {
  static std::unique_ptr<AwsPart> Make(PartContext& context,
                                       AccessPart& access,
                                       FunctionsPart& functions,
                                       TopicsPart& topics,
                                       DestinationsPart& destinations,
                                       MailPart& mail);

  void AddRoutes(Router& router);

  std::unique_ptr<aws::Gateway> gateway;
  std::unique_ptr<mail::SesV1Api> ses_v1;
  std::unique_ptr<mail::SesV2Api> ses_v2;
  std::unique_ptr<topics::SnsApi> sns;
  std::unique_ptr<queues::SqsApi> sqs;
  std::unique_ptr<cloudwatch::CloudWatchApi> cloudwatch;
  std::unique_ptr<streams::FirehoseApi> firehose;
  std::unique_ptr<functions::LambdaApi> lambda;
  std::unique_ptr<aws::StsService> sts;
  std::unique_ptr<access::IamApi> iam;
};

}  // namespace postglass
