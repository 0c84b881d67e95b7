// Queues by clients nobody here wrote: the AWS SDK and the aws command line; topics that deliver to them;
// dead letters, looked at and delivered again; kill -9.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import {
  ChangeMessageVisibilityCommand, CreateQueueCommand, DeleteMessageBatchCommand, DeleteMessageCommand,
  DeleteQueueCommand, GetQueueAttributesCommand, GetQueueUrlCommand, ListDeadLetterSourceQueuesCommand,
  ListMessageMoveTasksCommand, ListQueuesCommand, ListQueueTagsCommand, PurgeQueueCommand, ReceiveMessageCommand,
  SendMessageBatchCommand, SendMessageCommand, SetQueueAttributesCommand, SQSClient, StartMessageMoveTaskCommand,
  TagQueueCommand,
} from '@aws-sdk/client-sqs';
import {
  ConfirmSubscriptionCommand, CreateTopicCommand, PublishCommand, SetSubscriptionAttributesCommand, SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns';

import { BINARY, Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const run = promisify(execFile);
let server;
let sqs;
let sns;

before(async () => {
  server = await Server.start();
  sqs = new SQSClient(server.aws);
  sns = new SNSClient(server.aws);
});
after(() => server.stop());

const make = async (name, Attributes = {}) => {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  const { Attributes: shown } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return { QueueUrl, arn: shown.QueueArn };
};
const receive = async (QueueUrl, more = {}) =>
  (await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, ...more }))).Messages ?? [];
const command = async (...args) => {
  const { stdout } = await run(BINARY, [...args, '--data', server.data]);
  return stdout;
};
// Lets topics of this account put messages into a queue.
const openTo = (QueueUrl, arn, topic) => sqs.send(new SetQueueAttributesCommand({
  QueueUrl,
  Attributes: {
    Policy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{
        Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: arn,
        Condition: { ArnEquals: { 'aws:SourceArn': topic } },
      }],
    }),
  },
}));

test('messages go in, come out, and go away (AWS SDK)', async () => {
  const { QueueUrl } = await make('sdk', { VisibilityTimeout: '60' });
  assert.equal((await sqs.send(new GetQueueUrlCommand({ QueueName: 'sdk' }))).QueueUrl, QueueUrl);
  assert.ok((await sqs.send(new ListQueuesCommand({ QueueNamePrefix: 'sd' }))).QueueUrls.includes(QueueUrl));
  // The SDK checks the MD5 of body and attributes by itself.
  await sqs.send(new SendMessageCommand({
    QueueUrl, MessageBody: 'naïve "body"\n<&>',
    MessageAttributes: { kind: { DataType: 'String', StringValue: 'reset' }, raw: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) } },
  }));
  const [message] = await receive(QueueUrl, { MessageSystemAttributeNames: ['All'], MessageAttributeNames: ['All'] });
  assert.equal(message.Body, 'naïve "body"\n<&>');
  assert.equal(message.MessageAttributes.kind.StringValue, 'reset');
  assert.deepEqual([...message.MessageAttributes.raw.BinaryValue], [0, 255]);
  assert.equal(message.Attributes.ApproximateReceiveCount, '1');
  assert.deepEqual(await receive(QueueUrl), []);
  await sqs.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle, VisibilityTimeout: 0 }));
  const [again] = await receive(QueueUrl);
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.ReceiptHandle }));

  const batch = await sqs.send(new SendMessageBatchCommand({
    QueueUrl, Entries: [{ Id: 'a', MessageBody: 'one' }, { Id: 'b', MessageBody: 'two' }],
  }));
  assert.equal(batch.Successful.length, 2);
  const both = await receive(QueueUrl);
  assert.deepEqual(both.map((m) => m.Body), ['one', 'two']);
  const gone = await sqs.send(new DeleteMessageBatchCommand({
    QueueUrl, Entries: both.map((m, i) => ({ Id: String(i), ReceiptHandle: m.ReceiptHandle })),
  }));
  assert.equal(gone.Successful.length, 2);
  await sqs.send(new TagQueueCommand({ QueueUrl, Tags: { owner: 'mail' } }));
  assert.deepEqual((await sqs.send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { owner: 'mail' });
  await sqs.send(new PurgeQueueCommand({ QueueUrl }));
  await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  await assert.rejects(sqs.send(new GetQueueUrlCommand({ QueueName: 'sdk' })), { name: 'QueueDoesNotExist' });
});

test('errors have the names clients look for', async () => {
  const { QueueUrl } = await make('errors');
  const rejects = (send, name) => assert.rejects(sqs.send(send), { name });
  await rejects(new SendMessageCommand({ QueueUrl: `${server.url}/1/none`, MessageBody: 'x' }), 'QueueDoesNotExist');
  await rejects(new SendMessageCommand({ QueueUrl, MessageBody: '\u0001' }), 'InvalidMessageContents');
  await rejects(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'x' }), 'ReceiptHandleIsInvalid');
  await rejects(new CreateQueueCommand({ QueueName: 'errors', Attributes: { DelaySeconds: '5' } }), 'QueueNameExists');
  await rejects(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Colour: 'red' } }), 'InvalidAttributeName');
  await rejects(new SetQueueAttributesCommand({ QueueUrl, Attributes: { DelaySeconds: '-1' } }), 'InvalidAttributeValue');
  await rejects(new SendMessageBatchCommand({ QueueUrl, Entries: [] }), 'EmptyBatchRequest');
  await rejects(new CreateQueueCommand({ QueueName: 'a.fifo' }), 'UnsupportedOperation');
});

test('a receive that waits gets the message as it comes', async () => {
  const { QueueUrl } = await make('long-poll');
  const waiting = receive(QueueUrl, { WaitTimeSeconds: 20 });
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'here' }));
  assert.deepEqual((await waiting).map((m) => m.Body), ['here']);
});

test('the aws command line', async () => {
  const aws = async (...args) => {
    const { stdout } = await run('aws', ['--endpoint-url', server.url, '--region', server.region, '--output', 'json', ...args], {
      env: {
        PATH: process.env.PATH, HOME: process.env.HOME,
        AWS_ACCESS_KEY_ID: server.credentials.aws.access_key_id,
        AWS_SECRET_ACCESS_KEY: server.credentials.aws.secret_access_key,
      },
    });
    return stdout.trim() === '' ? {} : JSON.parse(stdout);
  };
  const { QueueUrl } = await aws('sqs', 'create-queue', '--queue-name', 'cli');
  await aws('sqs', 'send-message', '--queue-url', QueueUrl, '--message-body', 'hello');
  const { Messages } = await aws('sqs', 'receive-message', '--queue-url', QueueUrl);
  assert.equal(Messages[0].Body, 'hello');
  await aws('sqs', 'delete-message', '--queue-url', QueueUrl, '--receipt-handle', Messages[0].ReceiptHandle);
  await assert.rejects(aws('sqs', 'get-queue-url', '--queue-name', 'none'), /AWS\.SimpleQueueService\.NonExistentQueue|QueueDoesNotExist/);
});

test('a topic delivers to a queue its policy opens, as envelope and raw', async () => {
  const { QueueUrl, arn } = await make('from-topic');
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'to-queue' }));
  await openTo(QueueUrl, arn, TopicArn);
  const { SubscriptionArn } = await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: arn }));
  const { MessageId } = await sns.send(new PublishCommand({ TopicArn, Subject: 's', Message: 'm' }));
  const [message] = await receive(QueueUrl, { WaitTimeSeconds: 20 });
  const envelope = JSON.parse(message.Body);
  assert.equal(envelope.MessageId, MessageId);
  assert.equal(envelope.Message, 'm');
  await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle }));
  await sns.send(new SetSubscriptionAttributesCommand({ SubscriptionArn, AttributeName: 'RawMessageDelivery', AttributeValue: 'true' }));
  await sns.send(new PublishCommand({ TopicArn, Message: 'raw', MessageAttributes: { n: { DataType: 'Number', StringValue: '7' } } }));
  const [raw] = await receive(QueueUrl, { WaitTimeSeconds: 20, MessageAttributeNames: ['All'] });
  assert.equal(raw.Body, 'raw');
  assert.equal(raw.MessageAttributes.n.StringValue, '7');
});

test('what a subscriber does not take lies in its dead-letter queue and is delivered again from there', async () => {
  const { QueueUrl, arn } = await make('dead-letters');
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'with-redrive' }));
  await openTo(QueueUrl, arn, TopicArn);
  let answerWith = 200;
  const received = [];
  const subscriber = createServer(async (request, response) => {
    received.push(JSON.parse(await text(request)));
    response.writeHead(answerWith).end();
  });
  await new Promise((resolve) => subscriber.listen(0, '127.0.0.1', resolve));
  try {
    await sns.send(new SubscribeCommand({
      TopicArn, Protocol: 'http', Endpoint: `http://127.0.0.1:${subscriber.address().port}/`,
      Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arn }) },
    }));
    const confirmation = await eventually('the confirmation', () => received.shift());
    await sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token: confirmation.Token }));
    answerWith = 400;
    const { MessageId } = await sns.send(new PublishCommand({ TopicArn, Message: 'precious' }));
    await eventually('the dead letter', async () => (await command('dead-letters', 'list', '--queue', 'dead-letters').catch(() => '')).includes('precious'));
    assert.match(await command('queues'), /dead-letters\s+1 visible/);
    assert.equal(JSON.parse(await command('dead-letters', 'list', '--json')).total, 0);
    received.length = 0;
    answerWith = 200;
    await command('dead-letters', 'redrive', '--queue', 'dead-letters');
    const again = await eventually('the message again', () => received.shift());
    assert.equal(again.MessageId, MessageId);
    assert.equal(again.Message, 'precious');
    await eventually('an empty queue', async () => /dead-letters\s+0 visible/.test(await command('queues')));
  } finally {
    subscriber.close();
  }
});

test('messages received too often are moved, and moved back by a task', async () => {
  const dead = await make('moved');
  const source = await make('source', {
    VisibilityTimeout: '0', RedrivePolicy: JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 1 }),
  });
  assert.deepEqual((await sqs.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: dead.QueueUrl }))).queueUrls, [source.QueueUrl]);
  await sqs.send(new SendMessageCommand({ QueueUrl: source.QueueUrl, MessageBody: 'poison' }));
  assert.equal((await receive(source.QueueUrl)).length, 1);
  assert.equal((await receive(source.QueueUrl)).length, 0);
  const [message] = await receive(dead.QueueUrl, { VisibilityTimeout: 0, MessageSystemAttributeNames: ['All'] });
  assert.equal(message.Attributes.DeadLetterQueueSourceArn, source.arn);
  await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn }));
  const task = await eventually('the task to end', async () => {
    const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: dead.arn }));
    return Results[0].Status !== 'RUNNING' && Results[0];
  });
  assert.equal(task.Status, 'COMPLETED');
  assert.equal(task.ApproximateNumberOfMessagesMoved, 1);
  assert.deepEqual((await receive(source.QueueUrl)).map((m) => m.Body), ['poison']);
});

test('kill -9 loses no message that was taken and brings none back that was deleted', async () => {
  const { QueueUrl } = await make('killed', { VisibilityTimeout: '0' });
  const port = new URL(server.url).port;
  const taken = new Set();
  let stop = false;
  const sender = (async () => {
    for (let i = 0; !stop; ++i) {
      try {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: `message ${i}` }));
        taken.add(`message ${i}`);
      } catch { return; }
    }
  })();
  await eventually('some messages', () => taken.size >= 50);
  const deleted = new Set();
  for (const message of await receive(QueueUrl)) {
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message.ReceiptHandle })).then(() => deleted.add(message.Body), () => {});
  }
  server.child.kill('SIGKILL');
  await server.exited;
  stop = true;
  await sender;
  await server.launch();
  sqs = new SQSClient(server.aws);
  sns = new SNSClient(server.aws);
  const url = QueueUrl.replace(`:${port}`, `:${server.port}`);
  const there = JSON.parse(await command('dead-letters', 'list', '--queue', 'killed', '--count', '1000', '--json'));
  const bodies = there.messages.map((m) => m.body);
  assert.equal(new Set(bodies).size, bodies.length);
  for (const body of deleted) assert.ok(!bodies.includes(body), body);
  if (there.total <= 1000) for (const body of taken) assert.ok(deleted.has(body) || bodies.includes(body), body);
  assert.ok((await receive(url)).length > 0);
});
