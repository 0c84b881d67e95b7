// What readers of events keep and ask: facets and saved views over a restart, the mail, the recipient and
// the domain as things.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';

import { Server } from '../lib/server.mjs';

let server;

before(async () => {
  server = await Server.start();
  const ses = new SESv2Client(server.aws);
  const send = (to, subject) => ses.send(new SendEmailCommand({
    FromEmailAddress: 'Example <a@example.com>', Destination: { ToAddresses: to },
    Content: { Simple: { Subject: { Data: subject }, Body: { Text: { Data: 'x' } } } },
  }));
  await send(['alice@somewhere.example'], 'Reset your password');
  await send(['bounce@simulator.amazonses.com'], 'Your invoice');
  await server.events('@eventType:Bounce', 1);
  await server.events('@eventType:Delivery', 1);
});
after(() => server.stop());

const call = async (method, path, body) => {
  const response = await server.fetch(`/api/v2/postglass/${path}`, {
    method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
};

test('facets and views outlive a restart, and a view finds its mails', async () => {
  const facet = await call('POST', 'facets', { path: '@order.id', name: 'Order' });
  assert.equal(facet.status, 200, JSON.stringify(facet.body));
  const { views } = (await call('GET', 'views')).body;
  const resets = views.find((view) => view.name === 'Password resets');
  assert.deepEqual(resets.facets.slice(0, 2), ['@eventType', '@mail.commonHeaders.subject']);
  const found = await server.search(resets.search);
  assert.ok(found.length >= 2);
  for (const event of found) assert.match(event.attributes.attributes.mail.commonHeaders.subject, /reset/i);
  const changed = await call('PUT', `views/${resets.id}`, { ...resets, rule: [{ by: 'subject', value: 'Your invoice' }] });
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  await server.restart();
  const { body: kept } = await call('GET', `views/${resets.id}`);
  assert.deepEqual(kept, changed.body);
  for (const event of await server.search(kept.search)) {
    assert.equal(event.attributes.attributes.mail.commonHeaders.subject, 'Your invoice');
  }
  assert.deepEqual((await call('GET', `facets/${facet.body.id}`)).body, facet.body);
  assert.equal((await call('DELETE', `facets/${facet.body.id}`)).status, 200);
  assert.equal((await call('GET', `facets/${facet.body.id}`)).status, 404);
});

test('a short link leads to the console, and no key is needed to follow it', async () => {
  const response = await fetch(`${server.url}/v/password-resets`, { redirect: 'manual' });
  assert.equal(response.status, 302);
  assert.equal(response.headers.get('location'), '/#/view/password-resets');
  assert.equal((await fetch(`${server.url}/api/v2/postglass/views`)).status, 401);
});

test('a mail, its recipient and its domain are things of their own', async () => {
  const [event] = await server.search('@eventType:Bounce');
  const id = event.attributes.attributes.mail.messageId;
  const mail = (await call('GET', `mails/${id}`)).body;
  assert.equal(mail.mails.length, 1);
  assert.equal(mail.mails[0].state, 'refused');
  const refusal = mail.mails[0].attempts.at(-1);
  assert.equal(refusal.outcome, 'refused');
  assert.equal(refusal.status, '5.1.1');
  assert.ok(mail.events.some((each) => each.attributes.eventType === 'Send'));

  const recipient = (await call('GET', 'recipients/Bounce@Simulator.amazonses.com')).body;
  assert.equal(recipient.states.refused, 1);
  assert.equal(recipient.last_refused.message_id, id);
  assert.equal(recipient.last_refused.server_words, refusal.server_words);

  const domain = (await call('GET', 'domains/SIMULATOR.amazonses.com?from=now-1h')).body;
  assert.equal(domain.period.mails, 1);
  assert.equal(domain.states.refused, 1);
  assert.deepEqual(domain.enhanced_codes, [{ value: '5.1.1', count: 1 }]);
  assert.deepEqual(domain.troubled, [{ value: 'bounce@simulator.amazonses.com', count: 1 }]);
  assert.equal(domain.before.events, 0);
});

test('postglass mail says the same from the server and from the directory', async () => {
  const [event] = await server.search('@eventType:Bounce');
  const id = event.attributes.attributes.mail.messageId;
  const remote = await server.cli('mail', id, '--data', server.data);
  assert.equal(remote.code, 0, remote.stderr);
  assert.match(remote.stdout, /Refused by simulator\.amazonses\.com/);
  assert.ok(!remote.stdout.includes('\u001b'));
  const unknown = await server.cli('mail', 'nobody', '--data', server.data);
  assert.equal(unknown.code, 1, unknown.stderr);
  await server.terminate();
  const local = await server.cli('mail', id, '--data', server.data);
  assert.equal(local.stdout, remote.stdout);
  const json = await server.cli('mail', id, '--data', server.data, '--json');
  assert.equal(JSON.parse(json.stdout).mails[0].message_id, id);
  await server.launch();
});
