// Topics towards subscribers outside: confirmation, genuine envelope, signatures that a validator nobody
// here wrote believes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';

import {
  ConfirmSubscriptionCommand, CreateTopicCommand, DeleteTopicCommand, GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand, ListTopicsCommand, PublishCommand, SetTopicAttributesCommand, SNSClient,
  SubscribeCommand, UnsubscribeCommand,
} from '@aws-sdk/client-sns';

import { Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

let server;
let sns;
let subscriber;
const received = [];
let answerWith = 200;

before(async () => {
  server = await Server.start();
  sns = new SNSClient(server.aws);
  subscriber = createServer(async (request, response) => {
    received.push({ headers: request.headers, body: await text(request) });
    response.writeHead(answerWith).end();
  });
  await new Promise((resolve) => subscriber.listen(0, '127.0.0.1', resolve));
});
after(async () => {
  subscriber.close();
  await server.stop();
});

async function validate(...messages) {
  const child = spawn(process.execPath, [new URL('../lib/validate-sns.mjs', import.meta.url).pathname], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: server.ca }, stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify(messages));
  return (await text(child.stdout)).trim().split('\n');
}

const next = (type) => eventually(`a ${type}`, () => {
  const at = received.findIndex((r) => r.headers['x-amz-sns-message-type'] === type);
  return at >= 0 && received.splice(at, 1)[0];
}, { detail: () => server.log.slice(-3000) });

for (const version of ['1', '2']) {
  test(`a subscriber over HTTP, SignatureVersion ${version}`, async () => {
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: `topic-v${version}` }));
    await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'SignatureVersion', AttributeValue: version }));
    const endpoint = `http://127.0.0.1:${subscriber.address().port}/sns`;
    const { SubscriptionArn: pending } = await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: endpoint }));
    assert.equal(pending, 'pending confirmation');
    const confirmation = await next('SubscriptionConfirmation');
    assert.equal(confirmation.headers['content-type'], 'text/plain; charset=UTF-8');
    assert.equal(confirmation.headers['user-agent'], 'Amazon Simple Notification Service Agent');
    assert.equal(confirmation.headers['x-amz-sns-subscription-arn'], undefined);
    const message = JSON.parse(confirmation.body);
    assert.equal(message.Token.length, 256);
    assert.equal(message.SignatureVersion, version);

    const { SubscriptionArn } = await sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token: message.Token }));
    await sns.send(new PublishCommand({ TopicArn, Subject: 'Hello', Message: 'naïve "text"\nwith lines' }));
    const notification = await next('Notification');
    assert.equal(notification.headers['x-amz-sns-subscription-arn'], SubscriptionArn);
    const body = JSON.parse(notification.body);
    assert.deepEqual(Object.keys(body), ['Type', 'MessageId', 'TopicArn', 'Subject', 'Message', 'Timestamp', 'SignatureVersion', 'Signature', 'SigningCertURL', 'UnsubscribeURL']);
    assert.equal(body.Message, 'naïve "text"\nwith lines');

    assert.deepEqual(await validate(message, body, { ...body, Message: 'altered' }).then((v) => v.map((line) => line.split(':')[0])),
      ['valid', 'valid', 'refused']);

    await sns.send(new UnsubscribeCommand({ SubscriptionArn }));
    await sns.send(new DeleteTopicCommand({ TopicArn }));
  });
}

test('SubscribeURL confirms by a plain GET', async () => {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'by-url' }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `http://127.0.0.1:${subscriber.address().port}/u` }));
  const { SubscribeURL } = JSON.parse((await next('SubscriptionConfirmation')).body);
  const { pathname, search } = new URL(SubscribeURL);
  const response = await fetch(server.url + pathname + search);
  assert.equal(response.status, 200);
  assert.match(await response.text(), /<SubscriptionArn>arn:aws:sns:.*:by-url:/);
  const { Subscriptions } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  assert.match(Subscriptions[0].SubscriptionArn, /^arn:/);
});

test('a failed delivery is tried again with the same MessageId', async () => {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'retry' }));
  await sns.send(new SetTopicAttributesCommand({
    TopicArn, AttributeName: 'DeliveryPolicy',
    AttributeValue: JSON.stringify({ http: { defaultHealthyRetryPolicy: { minDelayTarget: 1, maxDelayTarget: 1, numRetries: 3, numNoDelayRetries: 3, numMinDelayRetries: 0, numMaxDelayRetries: 0, backoffFunction: 'linear' } } }),
  }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `http://127.0.0.1:${subscriber.address().port}/r` }));
  const { Token } = JSON.parse((await next('SubscriptionConfirmation')).body);
  await sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token }));
  answerWith = 500;
  const { MessageId } = await sns.send(new PublishCommand({ TopicArn, Message: 'again' }));
  const first = JSON.parse((await next('Notification')).body);
  answerWith = 200;
  const second = JSON.parse((await next('Notification')).body);
  assert.equal(first.MessageId, MessageId);
  assert.equal(second.MessageId, MessageId);
});

test('attributes and lists', async () => {
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'listed' }));
  const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn }));
  for (const name of ['TopicArn', 'Owner', 'Policy', 'DisplayName', 'SubscriptionsConfirmed', 'EffectiveDeliveryPolicy']) {
    assert.ok(name in Attributes, name);
  }
  const { Topics } = await sns.send(new ListTopicsCommand({}));
  assert.ok(Topics.some((t) => t.TopicArn === TopicArn));
  await assert.rejects(sns.send(new PublishCommand({ TopicArn: `${TopicArn}-not`, Message: 'x' })), { name: 'NotFoundException' });
});
