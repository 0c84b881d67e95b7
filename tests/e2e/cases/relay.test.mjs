// mail.mode=relay with real SMTP servers as smart host: what the host did and said is in the events and
// in the answer, and nothing is claimed about what comes after.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';

import { freePort, Postfix, ScriptedRelay } from '../lib/relay-peers.mjs';
import { Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

// The schedule of a relay that is away, in milliseconds instead of minutes.
const QUICK = { 'relay.retry_after': '200ms,400ms' };

// A test body with a relay and a server that hands its mail to it.
const withRelay = (relayOptions, set, body) => async () => {
  const relay = await ScriptedRelay.start(relayOptions);
  try {
    const server = await startServer(relay.port, set);
    try {
      await body(server, relay);
    } finally {
      await server.stop();
    }
  } finally {
    await relay.stop();
  }
};

const startServer = (port, set = {}) => Server.start({
  set: { 'mail.mode': 'relay', 'relay.host': '127.0.0.1', 'relay.port': port, ...QUICK, ...set },
});

async function send(server, ...to) {
  const { MessageId } = await new SESv2Client(server.aws).send(new SendEmailCommand({
    FromEmailAddress: 'shop@example.com', Destination: { ToAddresses: to },
    Content: { Simple: { Subject: { Data: 'Your order' }, Body: { Text: { Data: 'Line one\n.\n..dots' } } } },
  }));
  return MessageId;
}

// The event of a type, once it is there, as SES writes it.
async function eventOf(server, messageId, type, count = 1) {
  const found = await server.events(`@mail.messageId:${messageId} @eventType:${type}`, count);
  assert.equal(found.length, count, `${type} events`);
  return found[0].attributes.attributes;
}

async function answerFor(server, address) {
  const response = await server.fetch(`/api/v2/postglass/answer?address=${encodeURIComponent(address)}`);
  assert.equal(response.status, 200);
  const answer = await response.json();
  assert.equal(answer.mails.length, 1);
  return answer.mails[0];
}

function assertBetween(time, earliest, latest, what) {
  const at = Date.parse(time);
  assert.ok(at >= earliest && at <= latest, `${what} ${time} lies between ${new Date(earliest).toISOString()} and ${new Date(latest).toISOString()}`);
}

for (const { name, startTls, version } of [
  { name: 'with TLS where it is offered', startTls: true, version: 'TLSv1.3' },
  { name: 'without TLS where it is not', startTls: false, version: undefined },
]) {
  test(`a mail the relay takes is delivered to it, ${name}`, withRelay({ startTls }, {}, async (server, relay) => {
    const to = 'alice@customer.example';
    const before = Date.now();
    const id = await send(server, to);
    const { delivery } = await eventOf(server, id, 'Delivery');
    const words = `250 ${relay.words([to])}`;
    assert.equal(delivery.smtpResponse, words);
    assert.equal(delivery.remoteHost, 'relay.peer.example');
    assert.equal(delivery.remoteMtaIp, '127.0.0.1');
    assert.equal(delivery.tlsVersion, version);
    assert.deepEqual(delivery.recipients, [to]);
    assertBetween(delivery.timestamp, before, Date.now(), 'the delivery');
    assert.ok(delivery.processingTimeMillis >= 0 && delivery.processingTimeMillis <= Date.now() - before);

    const mails = relay.takenFor(to);
    assert.equal(mails.length, 1);
    assert.equal(mails[0].secure, startTls);
    assert.match(mails[0].raw, /Subject: Your order/);
    assert.match(mails[0].raw, /Line one\r\n\.\r\n\.\.dots/, 'lines of dots arrive as they were sent');

    const card = await answerFor(server, to);
    assert.equal(card.state, 'relayed');
    assert.match(card.sentence, /^Handed to relay relay\.peer\.example at .*, which answered "250 2\.0\.0 Ok: queued as 1-alice@customer\.example"; what happens after that is not seen here\.$/);
    const { stdout } = await server.cli('answer', to, '--data', server.data);
    assert.match(stdout.replace(/\s+/g, ' '), /which answered "250 2\.0\.0 Ok: queued as 1-alice@customer\.example"; what happens after that is not seen here\./);
  }));
}

test('a deferred mail is tried again, over a restart, and delivered once', async () => {
  let away = true;
  const relay = await ScriptedRelay.start({ rcpt: () => (away ? [451, '4.7.1 Greylisted, come back later'] : undefined) });
  const server = await startServer(relay.port);
  try {
    const to = 'later@customer.example';
    const id = await send(server, to);
    const { deliveryDelay } = await eventOf(server, id, 'DeliveryDelay');
    assert.equal(deliveryDelay.delayedRecipients[0].emailAddress, to);
    assert.equal(deliveryDelay.delayedRecipients[0].status, '4.7.1');
    assert.equal(deliveryDelay.delayedRecipients[0].diagnosticCode, 'smtp; 451 4.7.1 Greylisted, come back later');
    const waiting = await answerFor(server, to);
    assert.equal(waiting.state, 'delayed');
    assert.match(waiting.sentence, /Greylisted, come back later/);

    await server.terminate();
    const attempts = relay.attempts.get(to);
    away = false;
    await server.launch();
    const { delivery } = await eventOf(server, id, 'Delivery');
    assert.equal(delivery.smtpResponse, `250 ${relay.words([to])}`);
    assert.equal(relay.attempts.get(to), attempts + 1, 'one attempt after the restart');
    assert.equal(relay.takenFor(to).length, 1);
    assert.equal((await answerFor(server, to)).state, 'relayed');
  } finally {
    await server.stop();
    await relay.stop();
  }
});

test('each recipient has its own outcome when the relay refuses some at RCPT', withRelay({
  rcpt: (address) => (address.startsWith('gone') ? [550, '5.1.1 No such user here'] : undefined),
}, {}, async (server, relay) => {
  const id = await send(server, 'gone@customer.example', 'here@customer.example');
  const { bounce } = await eventOf(server, id, 'Bounce');
  assert.deepEqual([bounce.bounceType, bounce.bounceSubType], ['Permanent', 'General']);
  assert.equal(bounce.bouncedRecipients.length, 1);
  assert.equal(bounce.bouncedRecipients[0].emailAddress, 'gone@customer.example');
  assert.equal(bounce.bouncedRecipients[0].status, '5.1.1');
  assert.equal(bounce.bouncedRecipients[0].diagnosticCode, 'smtp; 550 5.1.1 No such user here');
  assert.equal(bounce.reportingMTA, 'dns; relay.peer.example');
  const { delivery } = await eventOf(server, id, 'Delivery');
  assert.deepEqual(delivery.recipients, ['here@customer.example']);
  assert.deepEqual(relay.taken.map((mail) => mail.recipients), [['here@customer.example']]);
  const card = await answerFor(server, 'gone@customer.example');
  assert.equal(card.state, 'refused');
  assert.match(card.server_words, /550 5\.1\.1 No such user here/);
  assert.equal((await answerFor(server, 'here@customer.example')).state, 'relayed');
}));

test('a mail refused after DATA bounces with those words', withRelay({
  data: () => [554, '5.7.1 Message content rejected'],
}, {}, async (server, relay) => {
  const id = await send(server, 'strict@customer.example');
  const { bounce } = await eventOf(server, id, 'Bounce');
  assert.equal(bounce.bouncedRecipients[0].status, '5.7.1');
  assert.equal(bounce.bouncedRecipients[0].diagnosticCode, 'smtp; 554 5.7.1 Message content rejected');
  assert.equal(bounce.remoteMtaIp, '127.0.0.1');
  assert.deepEqual(relay.taken, []);
  assert.match((await answerFor(server, 'strict@customer.example')).server_words, /Message content rejected/);
}));

for (const stage of ['rcpt', 'data']) {
  test(`a connection dropped at ${stage.toUpperCase()} is a delay, and the mail is tried again`, async () => {
    let broken = true;
    const relay = await ScriptedRelay.start({ [stage]: () => (broken ? 'drop' : undefined) });
    const server = await startServer(relay.port);
    try {
      const to = `cut-at-${stage}@customer.example`;
      const id = await send(server, to);
      const { deliveryDelay } = await eventOf(server, id, 'DeliveryDelay');
      assert.match(deliveryDelay.delayedRecipients[0].diagnosticCode, /^smtp; 421 4\.4\./);
      broken = false;
      const { delivery } = await eventOf(server, id, 'Delivery');
      assert.equal(delivery.smtpResponse, `250 ${relay.words([to])}`);
      assert.equal(relay.takenFor(to).length, 1);
    } finally {
      await server.stop();
      await relay.stop();
    }
  });
}

test('a relay that is not there yet gets the mail when it comes', async () => {
  const port = await freePort();
  const server = await startServer(port);
  let relay;
  try {
    const to = 'patient@customer.example';
    const id = await send(server, to);
    const { deliveryDelay } = await eventOf(server, id, 'DeliveryDelay');
    assert.match(deliveryDelay.delayedRecipients[0].diagnosticCode, /^smtp; 421 4\.4\.1 /);
    relay = await ScriptedRelay.start({ port });
    await eventOf(server, id, 'Delivery');
    assert.equal(relay.takenFor(to).length, 1);
  } finally {
    await server.stop();
    await relay?.stop();
  }
});

test('a mail the relay never takes bounces at the end of its time, with its last words', withRelay({
  rcpt: (address, attempt) => [450, `4.2.2 Mailbox full, attempt ${attempt}`],
}, { 'relay.give_up_after': '1500ms' }, async (server, relay) => {
  const to = 'full@customer.example';
  const before = Date.now();
  const id = await send(server, to);
  const { bounce, mail } = await eventOf(server, id, 'Bounce');
  const attempts = relay.attempts.get(to);
  assert.ok(attempts >= 2, `${attempts} attempts`);
  assert.equal(bounce.bounceType, 'Transient');
  assert.equal(bounce.bouncedRecipients[0].diagnosticCode, `smtp; 450 4.2.2 Mailbox full, attempt ${attempts}`);
  assertBetween(bounce.timestamp, before, Date.parse(mail.timestamp) + 60_000, 'the bounce');
  await eventually('nothing waits any more', async () => (await server.metric('postglass_mail_spool_waiting')) === 0);
  assert.equal(relay.attempts.get(to), attempts, 'no attempt after the bounce');
}));

test('required TLS that is not offered keeps the mail here', withRelay({ startTls: false }, { 'relay.tls': 'required' },
  async (server, relay) => {
    const id = await send(server, 'secret@customer.example');
    const { deliveryDelay } = await eventOf(server, id, 'DeliveryDelay');
    assert.match(deliveryDelay.delayedRecipients[0].diagnosticCode, /^smtp; 454 4\.7\.4 /);
    assert.deepEqual(relay.taken, []);
    assert.equal(relay.attempts.size, 0, 'no address was named in the clear');
  }));

for (const tls of [true, false]) {
  test(`Postfix as the relay, ${tls ? 'with' : 'without'} STARTTLS`, { skip: Postfix.missing ? `SKIPPED: ${Postfix.missing}` : false }, async () => {
    const postfix = await Postfix.start({
      tls,
      refuse: {
        'gone@customer.example': '550 5.1.1 User unknown',
        'slow@customer.example': '450 4.2.0 Greylisted',
      },
    });
    try {
      const server = await startServer(postfix.port);
      try {
        const id = await send(server, 'alice@customer.example', 'gone@customer.example', 'slow@customer.example');
        const { delivery } = await eventOf(server, id, 'Delivery');
        const queued = /^250 2\.0\.0 Ok: queued as (\w+)$/.exec(delivery.smtpResponse);
        assert.ok(queued, delivery.smtpResponse);
        assert.deepEqual(delivery.recipients, ['alice@customer.example']);
        assert.equal(delivery.remoteHost, postfix.host);
        assert.equal(delivery.tlsVersion, tls ? 'TLSv1.3' : undefined);
        const { bounce } = await eventOf(server, id, 'Bounce');
        assert.equal(bounce.bouncedRecipients[0].emailAddress, 'gone@customer.example');
        assert.match(bounce.bouncedRecipients[0].diagnosticCode, /^smtp; 550 5\.1\.1 <gone@customer\.example>: Recipient address rejected: User unknown/);
        const { deliveryDelay } = await eventOf(server, id, 'DeliveryDelay');
        assert.match(deliveryDelay.delayedRecipients[0].diagnosticCode, /^smtp; 450 4\.2\.0 <slow@customer\.example>: Recipient address rejected: Greylisted/);
        // The same queue id in Postfix's own log: this mail and no other.
        await eventually('Postfix logs the mail', () => new RegExp(`${queued[1]}: to=<alice@customer\\.example>.*status=sent`).test(postfix.log),
          { detail: () => postfix.log });
        const card = await answerFor(server, 'alice@customer.example');
        assert.match(card.sentence, /^Handed to relay mx\.postfix\.example at .*, which answered "250 2\.0\.0 Ok: queued as \w+"; what happens after that is not seen here\.$/);
      } finally {
        await server.stop();
      }
    } finally {
      await postfix.stop();
    }
  });
}
