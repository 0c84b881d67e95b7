// The real AWS as a source, with a second server in its place: a queue that SNS fills is polled, and
// `postglass doctor aws` says what arrives of it.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import {
  CreateConfigurationSetCommand, CreateConfigurationSetEventDestinationCommand, DeleteConfigurationSetEventDestinationCommand,
  SendEmailCommand, SESv2Client,
} from '@aws-sdk/client-sesv2';
import { CreateTopicCommand, SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand, GetQueueAttributesCommand, SendMessageCommand, SetQueueAttributesCommand, SQSClient,
} from '@aws-sdk/client-sqs';

import { BINARY, cleanEnvironment, run, Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const TYPES = [
  'SEND', 'REJECT', 'BOUNCE', 'COMPLAINT', 'DELIVERY', 'OPEN', 'CLICK', 'RENDERING_FAILURE', 'DELIVERY_DELAY', 'SUBSCRIPTION',
];
let amazon;  // plays AWS
let server;  // polls it
let ses;
let sns;
let sqs;
let queue;
let topic;
let subscription;

before(async () => {
  amazon = await Server.start({ init: ['--account', '123456789012'] });
  ses = new SESv2Client(amazon.aws);
  sns = new SNSClient(amazon.aws);
  sqs = new SQSClient(amazon.aws);
  ({ TopicArn: topic } = await sns.send(new CreateTopicCommand({
    Name: 'watched',
    Attributes: {
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'ses.amazonaws.com' }, Action: 'sns:Publish', Resource: '*' }],
      }),
    },
  })));
  // What is received and not deleted comes again after a second.
  ({ QueueUrl: queue } = await sqs.send(new CreateQueueCommand({ QueueName: 'watched', Attributes: { VisibilityTimeout: '1' } })));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: ['QueueArn'] }));
  await sqs.send(new SetQueueAttributesCommand({
    QueueUrl: queue,
    Attributes: {
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{
          Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: Attributes.QueueArn,
          Condition: { ArnEquals: { 'aws:SourceArn': topic } },
        }],
      }),
    },
  }));
  ({ SubscriptionArn: subscription } = await sns.send(new SubscribeCommand({
    TopicArn: topic, Protocol: 'sqs', Endpoint: Attributes.QueueArn, Attributes: { RawMessageDelivery: 'true' },
  })));
  await ses.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'watched' }));
  await ask(TYPES);
  server = await Server.start({
    set: {
      'source.sqs.queue_url': queue,
      'source.sqs.region': amazon.region,
      'source.sqs.access_key_id': amazon.credentials.aws.access_key_id,
      'source.sqs.secret_access_key': amazon.credentials.aws.secret_access_key,
      'source.sqs.raw': 'true',
    },
  });
});
after(async () => {
  await server?.stop();
  await amazon?.stop();
});

const ask = (types) => ses.send(new CreateConfigurationSetEventDestinationCommand({
  ConfigurationSetName: 'watched', EventDestinationName: 'to-topic',
  EventDestination: { Enabled: true, MatchingEventTypes: types, SnsDestination: { TopicArn: topic } },
}));
const send = async (to) => (await ses.send(new SendEmailCommand({
  FromEmailAddress: 'shop@example.com', Destination: { ToAddresses: [to] }, ConfigurationSetName: 'watched',
  Content: { Simple: { Subject: { Data: 'Polled' }, Body: { Text: { Data: 'x' } } } },
}))).MessageId;
const typesOf = (events) => events.map((event) => event.attributes.attributes.eventType).sort();
const waiting = async () => {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames: ['All'] }));
  return Number(Attributes.ApproximateNumberOfMessages) + Number(Attributes.ApproximateNumberOfMessagesNotVisible);
};
const stage = async () => (await (await server.fetch('/readyz')).json()).stages.sqs_source;
// The doctor on the terminal, with AWS's variables; exit code and verdict by type.
const doctor = async ({ set = 'watched', extra = [], env = {} } = {}) => {
  const all = cleanEnvironment({
    AWS_ACCESS_KEY_ID: amazon.credentials.aws.access_key_id,
    AWS_SECRET_ACCESS_KEY: amazon.credentials.aws.secret_access_key, AWS_REGION: amazon.region, ...env,
  });
  const args = ['doctor', 'aws', '--from', 'shop@example.com', '--configuration-set', set, '--endpoint', amazon.url,
    '--data', server.data, ...extra];
  const { code, stdout, stderr } = await run(BINARY, args, { env: all }).then((ended) => ({ code: 0, ...ended }), (error) => error);
  const verdicts = Object.fromEntries(stdout.trim().split('\n').filter(Boolean).map((line) => {
    const [, name, verdict] = /^(.{18}) (.*)$/.exec(line) ?? [null, line, ''];
    return [name.trim(), verdict];
  }));
  return { code, verdicts, stdout, stderr };
};

test('events of the queue arrive, once, and leave the queue', async () => {
  const id = await send('bounce@simulator.amazonses.com');
  const events = await server.events(`@mail.messageId:${id}`, 2);
  assert.deepEqual(typesOf(events), ['Bounce', 'Send']);
  for (const event of events) {
    assert.equal(event.attributes.attributes.event.verified, 'sigv4');
    assert.ok(event.attributes.tags.includes('source:ses'), event.attributes.tags);
  }
  await eventually('the queue is empty', async () => (await waiting()) === 0);
  assert.deepEqual(await stage(), { ok: true });
  assert.ok(await server.metric('postglass_source_sqs_events_total') >= 2);
  assert.ok(await server.metric('postglass_intake_events_total', 'door="sqs_source"') >= 2);
});

test('kill -9 while polling loses nothing and doubles nothing', async () => {
  const ids = [];
  for (let round = 0; round < 3; round += 1) {
    for (let i = 0; i < 20; i += 1) ids.push(await send('success@simulator.amazonses.com'));
    await server.terminate('SIGKILL');
    await server.launch();
  }
  for (const id of ids) await server.events(`@mail.messageId:${id}`, 2);
  await eventually('the queue is empty', async () => (await waiting()) === 0);
  for (const id of ids) assert.deepEqual(typesOf(await server.search(`@mail.messageId:${id}`)), ['Delivery', 'Send']);
});

test('late, repeated and shuffled deliveries are each event once', async () => {
  const messageId = '0100deadbeef-repeated';
  const mail = { timestamp: new Date(Date.now() - 36e5).toISOString(), messageId, source: 'shop@example.com', destination: ['late@there.example'] };
  const at = (minutes) => new Date(Date.now() - 36e5 + minutes * 6e4).toISOString();
  const events = [
    { eventType: 'Send', mail, send: {} },
    { eventType: 'Delivery', mail, delivery: { timestamp: at(1), recipients: ['late@there.example'], smtpResponse: '250 ok' } },
    { eventType: 'Complaint', mail, complaint: { timestamp: at(2), feedbackId: 'f-1', complainedRecipients: [{ emailAddress: 'late@there.example' }] } },
  ];
  const copies = Array.from({ length: 10 }, (_, i) => (i % 2 ? events : [...events].reverse())).flat();
  for (const event of copies) await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: JSON.stringify(event) }));
  await eventually('the queue is empty', async () => (await waiting()) === 0);
  assert.deepEqual(typesOf(await server.search(`@mail.messageId:${messageId}`)), ['Complaint', 'Delivery', 'Send']);
});

test('what is wrong with the queue is named, and polling goes on when it is right again', async () => {
  await server.restart({ set: { ...server.options.set, 'source.sqs.secret_access_key': 'wrong' } });
  const bad = await eventually('trouble is named', async () => {
    const shown = await stage();
    return shown.reason && shown;
  });
  assert.equal(bad.ok, true);
  assert.match(bad.reason, /SignatureDoesNotMatch/);
  const id = await send('success@simulator.amazonses.com');
  await server.restart({ set: { ...server.options.set, 'source.sqs.secret_access_key': amazon.credentials.aws.secret_access_key } });
  await server.events(`@mail.messageId:${id}`, 2);
  assert.deepEqual(await stage(), { ok: true });
});

test('without signatures nothing is believed but by raw delivery, and what is refused stays', async () => {
  await server.restart({ set: { ...server.options.set, 'source.sqs.raw': 'false', 'source.sqs.topics': topic } });
  await sqs.send(new SendMessageCommand({ QueueUrl: queue, MessageBody: '{"eventType":"Send","mail":{"messageId":"forged"}}' }));
  const refused = await eventually('it is refused', async () => {
    const { refusals } = await (await server.fetch('/api/v2/postglass/refusals')).json();
    return refusals.find((refusal) => refusal.reason === 'type');
  });
  assert.notEqual(refused.message_id, '');
  assert.equal(await waiting(), 1);
  assert.deepEqual(await server.search('@mail.messageId:forged'), []);
  await server.restart({ set: { ...server.options.set, 'source.sqs.raw': 'true' } });
  await eventually('the queue is empty', async () => (await waiting()) === 0);
});

test('settings that cannot work end the start with a sentence', async () => {
  for (const [settings, words] of [
    [{ 'source.sqs.queue_url': 'nowhere' }, /source\.sqs\.queue_url is no URL/],
    [{ 'source.sqs.queue_url': queue }, /source\.sqs\.region is needed/],
    [{ 'source.sqs.queue_url': queue, 'source.sqs.region': 'us-east-1' }, /source\.sqs\.access_key_id is needed/],
  ]) {
    await assert.rejects(Server.start({ set: settings }), words);
  }
});

test('the doctor sees each type that the simulator causes, and says what it cannot cause', async () => {
  const { code, verdicts, stdout, stderr } = await doctor();
  assert.equal(code, 0, stdout + stderr);
  for (const type of ['Send', 'Delivery', 'Bounce', 'Complaint', 'Rendering Failure']) {
    assert.match(verdicts[type], /^seen after \d+\.\d s$/, type);
  }
  for (const type of ['Reject', 'DeliveryDelay', 'Open', 'Click', 'Subscription']) {
    assert.match(verdicts[type], /^not seen, because nothing that the doctor may send causes it$/, type);
  }
});

test('the doctor names the reason: type not asked for, no subscription, wrong keys, no such set', async () => {
  await ses.send(new DeleteConfigurationSetEventDestinationCommand({ ConfigurationSetName: 'watched', EventDestinationName: 'to-topic' }));
  await ask(['SEND', 'BOUNCE']);
  const partly = await doctor();
  assert.equal(partly.code, 3, partly.stdout + partly.stderr);
  assert.match(partly.verdicts.Bounce, /^seen after/);
  assert.match(partly.verdicts.Delivery, /no enabled event destination of watched asks for it/);
  assert.match(partly.verdicts.Click, /asks for it/);

  const unsigned = await doctor({ env: { AWS_ACCESS_KEY_ID: '' } });
  assert.equal(unsigned.code, 2);
  assert.match(unsigned.stderr, /AWS_ACCESS_KEY_ID/);
  const wrong = await doctor({ env: { AWS_SECRET_ACCESS_KEY: 'wrong' } });
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.verdicts['set-up'], /not looked at: /);
  assert.match(wrong.verdicts.Send, /SES refused the mail/);
  const absent = await doctor({ set: 'absent' });
  assert.notEqual(absent.code, 0);
  assert.match(absent.stderr, /absent/);

  await sns.send(new UnsubscribeCommand({ SubscriptionArn: subscription }));
  const cut = await doctor({ extra: ['--wait', '1'] });
  assert.equal(cut.code, 3, cut.stdout + cut.stderr);
  assert.match(cut.verdicts.Send, /the topic .*:watched has no subscription/);
});
