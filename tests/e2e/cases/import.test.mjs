// postglass import: what was exported comes back as it was, a broken import goes on where it was, and what is no
// log is named.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';

import { Server, withServer } from '../lib/server.mjs';

let server;
let directory;
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'postglass-import-'));
  server = await Server.start();
  await new SESv2Client(server.aws).send(new SendEmailCommand({
    FromEmailAddress: 'a@example.com', Destination: { ToAddresses: ['bounce@simulator.amazonses.com'] },
    Content: { Simple: { Subject: { Data: 'Reset your password' }, Body: { Text: { Data: 'x' } } } },
  }));
  await server.events('@eventType:Bounce', 1);
  const old = new Date(Date.now() - 40 * 86_400_000).toISOString();
  const response = await server.fetch('/api/v2/logs', {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify([{ message: 'an old one', timestamp: old, service: 'shop', status: 'warn', ddtags: 'env:prod', ddsource: 'app', n: 0.1 }]),
  });
  assert.equal(response.status, 202);
});
after(async () => {
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

// What of an event must come back; ids, times of ingest and how it was verified are the new place's, and a
// date that no attribute told is told by one now.
function kept(line) {
  const event = JSON.parse(line);
  delete event.id;
  delete event.ingested_at;
  delete event.attributes.event?.verified;
  delete event.attributes.ingest;
  delete event.attributes['@timestamp'];
  event.tags.sort();
  return event;
}

const lines = (text) => text.trimEnd().split('\n').map(kept)
  .sort((a, b) => `${a.timestamp}${JSON.stringify(a.attributes.event)}`.localeCompare(`${b.timestamp}${JSON.stringify(b.attributes.event)}`));

const everything = (data) => ['export', '*', '--from', 'now-90d', '--to', 'now+1h', '--data', data];

test('what was exported comes back as it was, through a server and into a directory', withServer({ init: ['--bare'] }, async (other) => {
  const exported = await server.cli(...everything(server.data));
  assert.equal(exported.code, 0, exported.stderr);
  const file = join(directory, 'events.ndjson.gz');
  writeFileSync(file, gzipSync(exported.stdout));
  const imported = await server.cli('import', file, '--data', other.data);
  assert.equal(imported.code, 0, imported.stderr);
  assert.ok(!existsSync(`${file}.import-state`));
  const there = await server.cli(...everything(other.data));
  assert.deepEqual(lines(there.stdout), lines(exported.stdout));
  // The key that was made for it is gone again.
  const keys = JSON.parse((await server.cli('keys', 'list', '--data', other.data, '--json')).stdout);
  assert.ok(keys.length > 0 && !keys.some((key) => key.name === 'import'));

  await other.terminate();
  const again = await server.cli('import', file, '--data', other.data);
  assert.equal(again.code, 0, again.stderr);
  const directoryOnly = await server.cli(...everything(other.data));
  // Mail events have keys and are not doubled; plain logs have none.
  const count = (text, word) => text.split('\n').filter((line) => line.includes(word)).length;
  assert.equal(count(directoryOnly.stdout, '"eventType"'), count(exported.stdout, '"eventType"'));
  assert.equal(count(directoryOnly.stdout, 'an old one'), 2);
  await other.launch();
}));

test('a broken import goes on where it was, and no line is sent twice', async () => {
  const COUNT = 3_500;
  const file = join(directory, 'many.ndjson');
  writeFileSync(file, Array.from({ length: COUNT }, (_, i) => `{"message":"m${i}"}`).join('\n'));
  const got = [];
  let open = 2;
  const intake = createServer((request, response) => {
    const pieces = [];
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => {
      if (open === 0) { response.writeHead(403).end('{}'); return; }
      open -= 1;
      const body = Buffer.concat(pieces);
      got.push(...JSON.parse(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).map((log) => log.message));
      response.writeHead(202, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise((resolve) => { intake.listen(0, '127.0.0.1', resolve); });
  try {
    const args = ['import', file, '--url', `http://127.0.0.1:${intake.address().port}`, '--api-key', 'x'];
    const broken = await server.cli(...args);
    assert.equal(broken.code, 3, broken.stderr);
    assert.match(broken.stderr, /2000 logs of 2000 lines were taken/);
    assert.ok(existsSync(`${file}.import-state`));
    open = 100;
    const whole = await server.cli(...args);
    assert.equal(whole.code, 0, whole.stderr);
    assert.match(whole.stderr, /going on behind line 2000/);
    assert.match(whole.stderr, /3500 logs of 3500 lines were taken, 0 lines left out/);
    assert.deepEqual(got, Array.from({ length: COUNT }, (_, i) => `m${i}`));
    assert.ok(!existsSync(`${file}.import-state`));
  } finally {
    intake.close();
  }
});

test('what is no log is named and left out', async () => {
  const file = join(directory, 'mixed.ndjson');
  writeFileSync(file, '{"message":"mixed good"}\nno json\n\n[1]\n{"message":"mixed good too"}');
  const imported = await server.cli('import', file, '--data', server.data);
  assert.equal(imported.code, 0, imported.stderr);
  assert.match(imported.stderr, /line 2 is left out: .*\n.*line 4 is left out: /);
  assert.match(imported.stderr, /2 logs of 5 lines were taken, 2 lines left out/);
  assert.equal((await server.search('mixed')).length, 2);
  writeFileSync(`${file}.import-state`, '{"file_bytes":1,"target":"elsewhere","text_bytes":1}');
  const other = await server.cli('import', file, '--data', server.data);
  assert.equal(other.code, 2);
  const missing = await server.cli('import', join(directory, 'none'), '--data', server.data);
  assert.equal(missing.code, 3);
  const cut = join(directory, 'cut.gz');
  writeFileSync(cut, gzipSync('{"message":"cut off"}\n'.repeat(10)).subarray(0, 30));
  const broken = await server.cli('import', cut, '--data', server.data);
  assert.equal(broken.code, 3);
  assert.match(broken.stderr, /cut off in the middle/);
});
