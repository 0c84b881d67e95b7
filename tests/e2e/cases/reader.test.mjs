// What readers of events keep and ask: facets and saved views over a restart, the mail, the recipient and
// the domain as things.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
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

test('facets, top and hist count the same on the server and in the directory', async () => {
  const asked = [
    ['top', '@eventType', '--json'], ['top', '@eventType', '@mail.destination:*@simulator.amazonses.com', '--limit', '1'],
    ['hist', '--interval', '1d', '--by', '@eventType'], ['facets'], ['facets', '@eventType:Bounce', '--limit', '2'],
  ];
  const remote = [];
  for (const args of asked) remote.push(await server.cli(...args, '--data', server.data));
  for (const each of remote) assert.equal(each.code, 0, each.stderr);
  const top = JSON.parse(remote[0].stdout);
  assert.deepEqual(top.fields[0].values.find((value) => value.value === 'Bounce'), { value: 'Bounce', count: 1 });
  assert.match(remote[2].stdout, /#{50} {2}.*Bounce 1/);
  assert.match(remote[3].stdout, /Event type +Mail +@eventType/);
  assert.match(remote[4].stdout, /@bounce\.bounceType\n +1 100\.0 % {2}Permanent/);
  // Through an array of objects.
  assert.match(remote[4].stdout, /@bounce\.bouncedRecipients\.diagnosticCode\n +1 100\.0 % {2}smtp; 550/);
  const nothing = await server.cli('top', '@nothing', '--data', server.data);
  assert.equal(nothing.code, 1);
  const wrong = await server.cli('top', 'service', '(a', '--data', server.data);
  assert.equal(wrong.code, 2, wrong.stderr);
  await server.terminate();
  for (const [i, args] of asked.entries()) {
    const local = await server.cli(...args, '--data', server.data);
    if (args.includes('--json')) {
      assert.deepEqual(JSON.parse(local.stdout).fields, top.fields);
    } else {
      assert.equal(local.stdout, remote[i].stdout, args.join(' '));
    }
  }
  await server.launch();
});

test('export gives all events, safe for spreadsheets, from the server and from the directory', async () => {
  const COUNT = 2_345;
  for (let from = 0; from < COUNT; from += 1000) {
    const logs = Array.from({ length: Math.min(1000, COUNT - from) }, (_, i) => ({
      message: `=cmd("${from + i}")`, service: 'export', number: 0.1, ddsource: 'x',
    }));
    const response = await server.fetch('/api/v2/logs', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(logs),
    });
    assert.equal(response.status, 202);
  }
  const file = join(server.data, 'out.csv');
  const csv = await server.cli('export', 'service:export', '--format', 'csv', '--columns', 'message, @number', '--output', file,
    '--data', server.data);
  assert.equal(csv.code, 0, csv.stderr);
  assert.match(csv.stderr, /^2345 events/);
  const rows = readFileSync(file, 'utf8').split('\r\n');
  assert.equal(rows[0], 'message,number');
  assert.equal(rows.length, COUNT + 2);
  for (const row of rows.slice(1, -1)) assert.match(row, /^"'=cmd\(""\d+""\)",0\.1$/);
  assert.ok(!existsSync(`${file}.partial`));

  const remote = await server.cli('export', 'service:export', '--data', server.data, '--to', 'now+1h');
  const wrong = await server.cli('export', '(a', '--data', server.data);
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^postglass: invalid query at position \d+: .*\n$/);
  await server.terminate();
  const local = await server.cli('export', 'service:export', '--data', server.data, '--to', 'now+1h');
  assert.equal(local.stdout, remote.stdout);
  const lines = local.stdout.trimEnd().split('\n').map((line) => JSON.parse(line));
  assert.equal(new Set(lines.map((line) => line.message)).size, COUNT);
  await server.launch();
});
