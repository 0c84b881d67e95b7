// Each link of the chain is real: broken, exactly that stage counts and names the cause while mail is
// still accepted; mended, what waited arrives without sending again, each event once.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';

import {
  AddPermissionCommand, GetFunctionConfigurationCommand, LambdaClient, PutFunctionConcurrencyCommand,
  DeleteFunctionConcurrencyCommand, UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { SESClient, SendEmailCommand, UpdateConfigurationSetEventDestinationCommand } from '@aws-sdk/client-ses';
import {
  GetTopicAttributesCommand, ListSubscriptionsByTopicCommand, SetTopicAttributesCommand, SNSClient,
  SubscribeCommand, UnsubscribeCommand,
} from '@aws-sdk/client-sns';

import { withServer } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:mail-events';
const FORWARDER = 'arn:aws:lambda:us-east-1:000000000000:function:forwarder';
const TYPES = ['send', 'reject', 'bounce', 'complaint', 'delivery', 'renderingFailure'];

async function send(server, to) {
  const { MessageId } = await new SESClient(server.aws).send(new SendEmailCommand({
    Source: 'a@example.com', Destination: { ToAddresses: [to] },
    Message: { Subject: { Data: 'Link test' }, Body: { Text: { Data: 'x' } } },
  }));
  assert.ok(MessageId);
  return MessageId;
}

// The mail is accepted, the counter of the broken stage moves, the log names the cause, and the mail
// has no event; the caller mends and says whether the events still come.
async function assertBroken(server, to, counter, cause) {
  const before = await server.metric(...counter);
  const id = await send(server, to);
  await eventually(`${counter} moves`, async () => (await server.metric(...counter)) > before,
    { detail: () => server.log.slice(-3000) });
  await eventually(`the log names ${cause}`, () => cause.test(server.log), { detail: () => server.log.slice(-3000) });
  assert.deepEqual(await server.search(`@mail.messageId:${id}`), []);
  return id;
}

async function assertArrivesOnce(server, id) {
  const events = await server.events(`@mail.messageId:${id}`, 2);
  assert.deepEqual(events.map((e) => e.attributes.attributes.eventType).sort(), ['Delivery', 'Send']);
}

for (const mode of ['in_process', 'process']) {
  describe(`with the forwarder ${mode}`, () => {
    const options = { set: { 'functions.forwarder': mode } };

    test('the event destination disabled', withServer(options, async (server) => {
      const ses = new SESClient(server.aws);
      const destination = (Enabled) => new UpdateConfigurationSetEventDestinationCommand({
        ConfigurationSetName: 'default',
        EventDestination: { Name: 'mail-events', Enabled, MatchingEventTypes: TYPES, SNSDestination: { TopicARN: TOPIC } },
      });
      await ses.send(destination(false));
      await assertBroken(server, 'disabled@x.example',
        ['postglass_mail_events_without_destination_total'], /destination .*disabled|disabled.*destination/i);
      await ses.send(destination(true));
      await assertArrivesOnce(server, await send(server, 'enabled@x.example'));
    }));

    test('a topic policy that denies SES', withServer(options, async (server) => {
      const sns = new SNSClient(server.aws);
      const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: TOPIC }));
      const policy = (AttributeValue) => new SetTopicAttributesCommand({ TopicArn: TOPIC, AttributeName: 'Policy', AttributeValue });
      await sns.send(policy(JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Sid: 'NoSes', Effect: 'Deny', Principal: { Service: 'ses.amazonaws.com' }, Action: 'SNS:Publish', Resource: TOPIC }],
      })));
      await assertBroken(server, 'denied@x.example', ['postglass_topics_publish_dropped_total', 'denied'], /policy/i);
      await sns.send(policy(Attributes.Policy));
      await assertArrivesOnce(server, await send(server, 'allowed@x.example'));
    }));

    test('the forwarder unsubscribed', withServer(options, async (server) => {
      const sns = new SNSClient(server.aws);
      const { Subscriptions } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn: TOPIC }));
      const forwarder = Subscriptions.find((s) => s.Endpoint === FORWARDER);
      await sns.send(new UnsubscribeCommand({ SubscriptionArn: forwarder.SubscriptionArn }));
      await assertBroken(server, 'unsubscribed@x.example', ['postglass_topics_no_subscription_total'], /no .*subscription|no subscriber/i);
      await sns.send(new SubscribeCommand({ TopicArn: TOPIC, Protocol: 'lambda', Endpoint: FORWARDER }));
      await assertArrivesOnce(server, await send(server, 'subscribed@x.example'));
    }));

    test('the function failing', withServer(options, async (server) => {
      const lambda = new LambdaClient(server.aws);
      await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName: 'forwarder', ReservedConcurrentExecutions: 0 }));
      const id = await assertBroken(server, 'failing@x.example',
        ['postglass_functions_invocations_total', 'throttled'], /concurrency/i);
      await lambda.send(new DeleteFunctionConcurrencyCommand({ FunctionName: 'forwarder' }));
      await assertArrivesOnce(server, id);
    }));

    test("the forwarder's API key revoked", withServer(options, async (server) => {
      const keys = await server.cli('keys', 'list', '--data', server.data, '--json');
      const own = JSON.parse(keys.stdout).find((k) => k.kind === 'api' && k.name === 'forwarder');
      assert.equal((await server.cli('keys', 'revoke', own.id, '--data', server.data)).code, 0);
      const id = await assertBroken(server, 'revoked@x.example',
        ['postglass_functions_invocations_total', 'failed'], /API key/i);
      const made = await server.cli('keys', 'create', 'api', '--name', 'forwarder', '--data', server.data, '--json');
      const lambda = new LambdaClient(server.aws);
      const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'forwarder' }));
      await lambda.send(new UpdateFunctionConfigurationCommand({
        FunctionName: 'forwarder',
        Environment: { Variables: { ...Environment?.Variables, DD_API_KEY: JSON.parse(made.stdout).key } },
      }));
      await assertArrivesOnce(server, id);
    }));

    test('the intake answering 503', withServer(options, async (server) => {
      // An intake of somebody else's that is down; then the forwarder is pointed back at ours.
      const down = createServer((request, response) => { request.resume(); response.writeHead(503).end('{}'); });
      await new Promise((resolve) => down.listen(0, '127.0.0.1', resolve));
      const lambda = new LambdaClient(server.aws);
      const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'forwarder' }));
      const variables = Environment?.Variables ?? {};
      await lambda.send(new UpdateFunctionConfigurationCommand({
        FunctionName: 'forwarder',
        Environment: { Variables: { ...variables, DD_URL: `http://127.0.0.1:${down.address().port}` } },
      }));
      const id = await assertBroken(server, 'intake-down@x.example',
        ['postglass_functions_invocations_total', 'failed'], /503/);
      await lambda.send(new UpdateFunctionConfigurationCommand({
        FunctionName: 'forwarder', Environment: { Variables: variables },
      }));
      await assertArrivesOnce(server, id);
      down.close();
    }));
  });
}

test('a permission taken from the topic is named, and given back it delivers', withServer({}, async (server) => {
  const lambda = new LambdaClient(server.aws);
  const { RemovePermissionCommand, GetPolicyCommand } = await import('@aws-sdk/client-lambda');
  const { Policy } = await lambda.send(new GetPolicyCommand({ FunctionName: 'forwarder' }));
  const sid = JSON.parse(Policy).Statement[0].Sid;
  await lambda.send(new RemovePermissionCommand({ FunctionName: 'forwarder', StatementId: sid }));
  const id = await assertBroken(server, 'no-permission@x.example',
    ['postglass_functions_invocations_total', 'refused'], /permission|policy/i);
  await lambda.send(new AddPermissionCommand({
    FunctionName: 'forwarder', StatementId: sid, Action: 'lambda:InvokeFunction', Principal: 'sns.amazonaws.com', SourceArn: TOPIC,
  }));
  await assertArrivesOnce(server, id);
}));
