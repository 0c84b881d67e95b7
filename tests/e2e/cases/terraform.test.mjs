// Terraform's own AWS provider against the server: what it applies it reads back the same (a second plan is
// empty), the chain works with it, a change is one change, and destroy leaves nothing.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { GetConfigurationSetCommand, SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { ListSubscriptionsCommand, ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { GetQueueUrlCommand, ListQueuesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

import { run, withServer } from '../lib/server.mjs';
import { missing, providerBlock, Terraform } from '../lib/terraform.mjs';

const EXAMPLE = new URL('../../../examples/terraform', import.meta.url).pathname;

const configuration = (server, types) => `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

${providerBlock(server)}
data "aws_caller_identity" "me" {}

locals {
  forwarder = "arn:aws:lambda:${server.region}:\${data.aws_caller_identity.me.account_id}:function:forwarder"
}

resource "aws_sns_topic" "events" {
  name              = "terraform-events"
  display_name      = "Mail events"
  signature_version = 2
  tags              = { owner = "mail" }
}

resource "aws_sns_topic_policy" "events" {
  arn = aws_sns_topic.events.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ses"
      Effect    = "Allow"
      Principal = { Service = "ses.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.events.arn
      Condition = { StringEquals = { "AWS:SourceAccount" = data.aws_caller_identity.me.account_id } }
    }]
  })
}

resource "aws_lambda_permission" "events" {
  statement_id  = "terraform-events"
  action        = "lambda:InvokeFunction"
  function_name = local.forwarder
  principal     = "sns.amazonaws.com"
  source_arn    = aws_sns_topic.events.arn
}

resource "aws_sns_topic_subscription" "forwarder" {
  topic_arn  = aws_sns_topic.events.arn
  protocol   = "lambda"
  endpoint   = local.forwarder
  depends_on = [aws_lambda_permission.events]
}

resource "aws_ses_configuration_set" "v1" {
  name                       = "terraform-v1"
  reputation_metrics_enabled = true
  delivery_options {
    tls_policy = "Require"
  }
}

resource "aws_ses_event_destination" "v1" {
  name                   = "to-topic"
  configuration_set_name = aws_ses_configuration_set.v1.name
  enabled                = true
  matching_types         = [${types.v1}]
  sns_destination {
    topic_arn = aws_sns_topic.events.arn
  }
  depends_on = [aws_sns_topic_policy.events]
}

resource "aws_sesv2_configuration_set" "v2" {
  configuration_set_name = "terraform-v2"
  delivery_options {
    tls_policy = "REQUIRE"
  }
  reputation_options {
    reputation_metrics_enabled = true
  }
  sending_options {
    sending_enabled = true
  }
  suppression_options {
    suppressed_reasons = ["BOUNCE", "COMPLAINT"]
  }
  tags = { owner = "mail" }
}

resource "aws_sesv2_configuration_set_event_destination" "v2" {
  configuration_set_name = aws_sesv2_configuration_set.v2.configuration_set_name
  event_destination_name = "to-topic"
  event_destination {
    enabled              = true
    matching_event_types = [${types.v2}]
    sns_destination {
      topic_arn = aws_sns_topic.events.arn
    }
  }
  depends_on = [aws_sns_topic_policy.events]
}

resource "aws_iam_role" "stream" {
  name = "terraform-stream"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "ses.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
  tags = { owner = "mail" }
}

resource "aws_iam_role_policy" "stream" {
  name = "put"
  role = aws_iam_role.stream.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "firehose:PutRecordBatch", Resource = "*" }]
  })
}

resource "aws_iam_policy" "read" {
  name = "terraform-read"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["ses:Get*", "ses:List*"], Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "stream" {
  for_each   = { own = aws_iam_policy.read.arn, aws = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" }
  role       = aws_iam_role.stream.name
  policy_arn = each.value
}

resource "aws_sqs_queue" "dead" {
  name                      = "terraform-dead"
  message_retention_seconds = 1209600
  tags                      = { owner = "mail" }
}

resource "aws_sqs_queue" "events" {
  name                       = "terraform-events"
  visibility_timeout_seconds = 60
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = 5 })
}

resource "aws_sqs_queue_policy" "events" {
  for_each  = { events = aws_sqs_queue.events, dead = aws_sqs_queue.dead }
  queue_url = each.value.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "sns.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = each.value.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_sns_topic.events.arn } }
    }]
  })
}

resource "aws_sns_topic_subscription" "queue" {
  topic_arn            = aws_sns_topic.events.arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.events.arn
  raw_message_delivery = true
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn })
  depends_on           = [aws_sqs_queue_policy.events]
}

resource "aws_ses_event_destination" "figures" {
  name                   = "figures"
  configuration_set_name = aws_ses_configuration_set.v1.name
  enabled                = true
  matching_types         = ["send"]
  cloudwatch_destination {
    default_value  = "none"
    dimension_name = "campaign"
    value_source   = "messageTag"
  }
}

resource "aws_kinesis_firehose_delivery_stream" "events" {
  name        = "terraform-events"
  destination = "http_endpoint"
  http_endpoint_configuration {
    url                = "${server.httpsUrl}/hooks/firehose"
    name               = "ours"
    access_key         = "${server.credentials.api_key}"
    buffering_size     = 1
    buffering_interval = 60
    role_arn           = aws_iam_role.stream.arn
    s3_backup_mode     = "FailedDataOnly"
    s3_configuration {
      role_arn   = aws_iam_role.stream.arn
      bucket_arn = "arn:aws:s3:::terraform-backup"
    }
  }
}

resource "aws_ses_event_destination" "stream" {
  name                   = "stream"
  configuration_set_name = aws_ses_configuration_set.v1.name
  enabled                = true
  matching_types         = ["bounce"]
  kinesis_destination {
    stream_arn = aws_kinesis_firehose_delivery_stream.events.arn
    role_arn   = aws_iam_role.stream.arn
  }
}

resource "aws_sesv2_email_identity" "shop" {
  email_identity         = "shop@example.com"
  configuration_set_name = aws_sesv2_configuration_set.v2.configuration_set_name
}
`;

const BEFORE = { v1: '"send", "delivery"', v2: '"SEND", "DELIVERY"' };
const AFTER = { v1: '"send", "delivery", "bounce"', v2: '"SEND", "DELIVERY", "BOUNCE"' };

if (missing) console.error(`SKIPPED tests/e2e/cases/terraform.test.mjs: ${missing}`);
const skip = missing ? `SKIPPED: ${missing}` : false;

const ok = (result, what) => assert.equal(result.code, 0, `${what}:\n${result.stdout}`);

test('Terraform applies, finds nothing to change, changes, and destroys', { skip }, withServer({}, async (server) => {
  const tf = new Terraform();
  try {
    tf.write('main.tf', configuration(server, BEFORE));
    ok(await tf.init(), 'init');
    ok(await tf.apply(), 'apply');
    ok(await tf.plan(), 'a second plan is empty');

    // What was applied is a working chain.
    const ses = new SESv2Client(server.aws);
    for (const set of ['terraform-v1', 'terraform-v2']) {
      const { MessageId } = await ses.send(new SendEmailCommand({
        FromEmailAddress: 'shop@example.com', Destination: { ToAddresses: ['success@simulator.amazonses.com'] },
        ConfigurationSetName: set,
        Content: { Simple: { Subject: { Data: 'Terraform' }, Body: { Text: { Data: 'x' } } } },
      }));
      const events = await server.events(`@mail.messageId:${MessageId}`, 2);
      assert.deepEqual(events.map((event) => event.attributes.attributes.eventType).sort(), ['Delivery', 'Send'], set);
    }

    const sqs = new SQSClient(server.aws);
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'terraform-events' }));
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    assert.equal(JSON.parse(Messages[0].Body).mail.source, 'shop@example.com');

    tf.write('main.tf', configuration(server, AFTER));
    const changes = await tf.plan();
    assert.equal(changes.code, 2, changes.stdout);
    // The provider changes a destination of API v2 in place and makes that of API v1 anew.
    assert.match(changes.stdout, /Plan: 1 to add, 1 to change, 1 to destroy/);
    ok(await tf.apply(), 'apply the change');
    ok(await tf.plan(), 'the plan after the change is empty');

    ok(await tf.destroy(), 'destroy');
    for (const set of ['terraform-v1', 'terraform-v2']) {
      await assert.rejects(ses.send(new GetConfigurationSetCommand({ ConfigurationSetName: set })), { name: 'NotFoundException' });
    }
    assert.equal((await sqs.send(new ListQueuesCommand({}))).QueueUrls, undefined);
    const roles = await new IAMClient(server.aws).send(new ListRolesCommand({}));
    assert.deepEqual(roles.Roles, []);
    const sns = new SNSClient(server.aws);
    const { Topics = [] } = await sns.send(new ListTopicsCommand({}));
    const { Subscriptions = [] } = await sns.send(new ListSubscriptionsCommand({}));
    assert.deepEqual([...Topics, ...Subscriptions].filter((it) => it.TopicArn.endsWith(':terraform-events')), []);
  } finally {
    tf.remove();
  }
}));

test('examples/terraform works where it is copied to, with its own function', { skip }, withServer({
  set: { 'functions.custom_code': 'true' },
}, async (server) => {
  const { access_key_id: AWS_ACCESS_KEY_ID, secret_access_key: AWS_SECRET_ACCESS_KEY } = server.credentials.aws;
  const tf = new Terraform({ copyOf: EXAMPLE, env: { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } });
  const endpoint = ['-var', `endpoint=${server.url}`];
  const aws = async (...args) => JSON.parse((await run('aws', [
    '--endpoint-url', server.url, '--region', server.region, '--output', 'json', ...args,
  ], { env: tf.env })).stdout);
  try {
    ok(await tf.init(), 'init');
    ok(await tf.apply(...endpoint), 'apply');
    ok(await tf.plan(...endpoint), 'a second plan is empty');

    for (const set of ['ses-events-v1', 'ses-events-v2']) {
      const { MessageId } = await aws(
        'sesv2', 'send-email', '--configuration-set-name', set, '--from-email-address', 'shop@example.com',
        '--destination', 'ToAddresses=success@simulator.amazonses.com',
        '--content', 'Simple={Subject={Data=Hello},Body={Text={Data=Hello}}}');
      const events = await server.events(`@mail.messageId:${MessageId} forwardername:ses-events`, 2);
      assert.deepEqual(events.map((event) => event.attributes.attributes.eventType).sort(), ['Delivery', 'Send'], set);
      for (const event of events) assert.match(event.attributes.attributes.aws.invoked_function_arn, /:function:ses-events$/);
    }
    // What the function printed, and the lines Lambda puts around an invocation.
    await server.events('source:lambda service:ses-events "forwarded 1 records"');
    await server.events('source:lambda service:ses-events "REPORT RequestId"');

    ok(await tf.destroy(...endpoint), 'destroy');
    const { Functions } = await aws('lambda', 'list-functions');
    assert.deepEqual(Functions.map((it) => it.FunctionName), ['forwarder']);
    const { Topics = [] } = await aws('sns', 'list-topics');
    const { Subscriptions = [] } = await aws('sns', 'list-subscriptions');
    assert.deepEqual([...Topics, ...Subscriptions].filter((it) => it.TopicArn.endsWith(':ses-events')), []);
    assert.deepEqual((await aws('iam', 'list-roles')).Roles, []);
    const { ConfigurationSets } = await aws('sesv2', 'list-configuration-sets');
    assert.deepEqual(ConfigurationSets.filter((name) => name.startsWith('ses-events')), []);
  } finally {
    tf.remove();
  }
}));

// The archive is in the tree because Terraform alone makes none; it must be what its sources say.
test('function.zip of examples/terraform holds the function beside it', () => {
  const source = readFileSync(join(EXAMPLE, 'function', 'forwarder.py'));
  assert.ok(readFileSync(join(EXAMPLE, 'function.zip')).includes(source), 'run examples/terraform/package.py');
});
