// A secret in a mail's link is found in no stored event, no message of a topic, no file of the data
// directory; with masking off the same search finds it, so the search can find.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

import { CreateConfigurationSetCommand, CreateConfigurationSetEventDestinationCommand, SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { ConfirmSubscriptionCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';

import { withServer } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const SECRET = 'b7Qz19fKx0LmW4vTtR8sYp3NcD6hJ2eG';
const LINK = `https://accounts.example.com/reset-password?token=${SECRET}`;
const TOPIC = 'arn:aws:sns:us-east-1:000000000000:mail-events';

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

// Sends a mail whose reader follows its link, and says where the secret turned up.
async function look(server) {
  const published = [];
  const subscriber = createServer(async (request, response) => {
    published.push(await text(request));
    response.end();
  });
  await new Promise((resolve) => subscriber.listen(0, '127.0.0.1', resolve));
  const sns = new SNSClient(server.aws);
  await sns.send(new SubscribeCommand({ TopicArn: TOPIC, Protocol: 'http', Endpoint: `http://127.0.0.1:${subscriber.address().port}/` }));
  await eventually('the confirmation', () => published.length > 0);
  await sns.send(new ConfirmSubscriptionCommand({ TopicArn: TOPIC, Token: JSON.parse(published[0]).Token }));

  const ses = new SESv2Client(server.aws);
  await ses.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'tracked' }));
  await ses.send(new CreateConfigurationSetEventDestinationCommand({
    ConfigurationSetName: 'tracked', EventDestinationName: 'all',
    EventDestination: { Enabled: true, SnsDestination: { TopicArn: TOPIC }, MatchingEventTypes: ['SEND', 'DELIVERY', 'OPEN', 'CLICK'] },
  }));
  const { MessageId } = await ses.send(new SendEmailCommand({
    FromEmailAddress: 'a@example.com', Destination: { ToAddresses: ['click@simulator.amazonses.com'] }, ConfigurationSetName: 'tracked',
    Content: { Simple: { Subject: { Data: 'Reset your password' }, Body: { Text: { Data: LINK }, Html: { Data: `<p><a href="${LINK}">Reset</a> <a href="https://example.com/guide">Guide</a></p>` } } } },
  }));
  // The reader follows the first tracked link: the guide, unless secrets are tracked as well.
  const stored = await server.events(`@mail.messageId:${MessageId}`, 4);
  await eventually('the subscriber has all of it', () => published.filter((body) => body.includes(MessageId)).length >= 4);
  subscriber.close();
  await server.terminate();
  const offline = await server.cli('search', '*', '--from', 'now-1d', '--limit', '100000', '--json', '--data', server.data);
  assert.ok(offline.stdout.includes(MessageId), 'the directory is read');
  return {
    types: stored.map((event) => event.attributes.attributes.eventType).sort(),
    stored: JSON.stringify(stored).includes(SECRET) || offline.stdout.includes(SECRET),
    published: published.some((body) => body.includes(SECRET)),
    files: files(server.data).some((path) => readFileSync(path).includes(SECRET)),
  };
}

test('masked by default', withServer({}, async (server) => {
  assert.deepEqual(await look(server), { types: ['Click', 'Delivery', 'Open', 'Send'], stored: false, published: false, files: false });
}));

test('with masking off the same search finds it', withServer({ set: { 'intake.masking': 'false' } }, async (server) => {
  const found = await look(server);
  assert.deepEqual([found.stored, found.published], [true, true]);
}));
