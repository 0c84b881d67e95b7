// The simulator's addresses: which events each yields, and what the answer says of them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { CreateConfigurationSetCommand, CreateConfigurationSetEventDestinationCommand, SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';

import { Server } from '../lib/server.mjs';

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:mail-events';
let server;
let ses;
before(async () => {
  server = await Server.start();
  ses = new SESv2Client(server.aws);
  await ses.send(new CreateConfigurationSetCommand({ ConfigurationSetName: 'tracked' }));
  await ses.send(new CreateConfigurationSetEventDestinationCommand({
    ConfigurationSetName: 'tracked', EventDestinationName: 'all',
    EventDestination: {
      Enabled: true, SnsDestination: { TopicArn: TOPIC },
      MatchingEventTypes: ['SEND', 'REJECT', 'BOUNCE', 'COMPLAINT', 'DELIVERY', 'OPEN', 'CLICK', 'RENDERING_FAILURE', 'DELIVERY_DELAY'],
    },
  }));
});
after(async () => { await server.stop(); });

const CASES = {
  success: ['Delivery', 'Send'],
  'success+label': ['Delivery', 'Send'],
  bounce: ['Bounce', 'Send'],
  complaint: ['Complaint', 'Delivery', 'Send'],
  suppressionlist: ['Bounce', 'Send'],
  softbounce: ['Bounce', 'Send'],
  mailboxfull: ['Bounce', 'Send'],
  delay: ['Delivery', 'DeliveryDelay', 'Send'],
  'delay-bounce': ['Bounce', 'DeliveryDelay', 'Send'],
  open: ['Delivery', 'Open', 'Send'],
  click: ['Click', 'Delivery', 'Open', 'Send'],
  reject: ['Reject', 'Send'],
};

for (const [name, expected] of Object.entries(CASES)) {
  test(name, async () => {
    const to = `${name}@simulator.amazonses.com`;
    const { MessageId } = await ses.send(new SendEmailCommand({
      FromEmailAddress: 'a@example.com', Destination: { ToAddresses: [to] }, ConfigurationSetName: 'tracked',
      Content: { Simple: { Subject: { Data: `Scenario ${name}` }, Body: { Html: { Data: '<p><a href="https://example.com/guide">Guide</a></p>' } } } },
    }));
    const events = await server.events(`@mail.messageId:${MessageId}`, expected.length);
    const types = [...new Set(events.map((e) => e.attributes.attributes.eventType))].sort();
    if (name === 'open' || name === 'click') {
      for (const type of expected) assert.ok(types.includes(type), `${type} in ${types}`);
    } else {
      assert.deepEqual(types, expected);
      assert.equal(events.length, expected.length);
    }
    const bounce = events.find((e) => e.attributes.attributes.eventType === 'Bounce')?.attributes.attributes.bounce;
    if (name === 'bounce') {
      assert.equal(bounce.bounceType, 'Permanent');
      assert.match(bounce.bouncedRecipients[0].diagnosticCode, /550/);
      assert.equal(bounce.bouncedRecipients[0].status, '5.1.1');
    }
    if (name === 'mailboxfull') assert.deepEqual([bounce.bounceType, bounce.bounceSubType], ['Transient', 'MailboxFull']);
    if (name === 'click') {
      const click = events.find((e) => e.attributes.attributes.eventType === 'Click');
      assert.equal(click.attributes.attributes.click.link, 'https://example.com/guide');
    }
  });
}

test('silent has no outcome', async () => {
  const { MessageId } = await ses.send(new SendEmailCommand({
    FromEmailAddress: 'a@example.com', Destination: { ToAddresses: ['silent@simulator.amazonses.com'] },
    Content: { Simple: { Subject: { Data: 'Silent' }, Body: { Text: { Data: 'x' } } } },
  }));
  const events = await server.events(`@mail.messageId:${MessageId}`, 1);
  assert.deepEqual(events.map((e) => e.attributes.attributes.eventType), ['Send']);
});
