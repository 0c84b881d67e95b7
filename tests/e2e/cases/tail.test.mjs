// The live tail over server-sent events: a break leaves no gap, what is too fast is sampled and says so, and
// postglass tail shows it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';

import { BINARY, Server, cleanEnvironment } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

let server;
before(async () => { server = await Server.start(); });
after(() => server.stop());

async function log(...messages) {
  const response = await server.fetch('/api/v2/logs', {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify(messages.map((message) => ({ message, ddsource: 'tail-test' }))),
  });
  assert.equal(response.status, 202);
}

const numbered = (name, from, count) => Array.from({ length: count }, (_, i) => `${name} n${from + i}`);

// Reads server-sent events until `enough` says so, then breaks the connection.
async function follow(query, lastEventId, enough, opened = async () => {}) {
  const control = new AbortController();
  const response = await fetch(`${server.url}/api/v2/postglass/tail?query=${encodeURIComponent(query)}`, {
    headers: { ...server.keys, ...(lastEventId ? { 'last-event-id': lastEventId } : {}) }, signal: control.signal,
  });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const seen = { messages: [], notices: [], id: lastEventId };
  const decoder = new TextDecoder();
  let text = '';
  let first = true;
  try {
    for await (const piece of response.body) {
      text += decoder.decode(piece, { stream: true });
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const fields = Object.fromEntries(text.slice(0, end).split('\n').map((line) => {
          const at = line.indexOf(': ');
          return [line.slice(0, at), line.slice(at + 2)];
        }));
        text = text.slice(end + 2);
        if (fields.id) seen.id = fields.id;
        if (fields.event) seen.notices.push({ event: fields.event, ...JSON.parse(fields.data) });
        else if (fields.data) seen.messages.push(JSON.parse(fields.data).message);
        if (enough(seen)) return seen;
      }
      if (first) { first = false; await opened(); }
    }
  } finally {
    control.abort();
  }
  throw new Error('the stream ended');
}

test('a break leaves no gap, however much came meanwhile', async () => {
  const first = await follow('gap', undefined, (seen) => seen.messages.length === 1, () => log('gap n0'));
  assert.deepEqual(first.messages, ['gap n0']);
  const COUNT = 12_000;
  for (let from = 1; from <= COUNT; from += 1000) await log(...numbered('gap', from, Math.min(1000, COUNT + 1 - from)));
  const got = new Set();
  let id = first.id;
  let breaks = 0;
  while (got.size < COUNT) {
    const part = await follow('gap', id, (seen) => {
      for (const message of seen.messages) if (message !== 'gap n0') got.add(message);
      return seen.messages.length >= 5000 || got.size >= COUNT;
    });
    assert.deepEqual(part.notices, []);
    id = part.id;
    breaks += 1;
  }
  assert.ok(breaks >= 2);
  assert.deepEqual(got, new Set(numbered('gap', 1, COUNT)));
});

test('what is too fast is sampled, and the stream says so', async () => {
  const seen = await follow('fast', undefined, (s) => s.notices.length > 0 && s.messages.length > 0,
    () => log(...numbered('fast', 0, 900)));
  assert.equal(seen.notices[0].event, 'sampled');
  assert.ok(seen.notices[0].given < seen.notices[0].of);
});

test('postglass tail prints events as they come, from a URL with keys', async () => {
  const child = spawn(BINARY, ['tail', 'shown', '--url', server.url, '--api-key', server.credentials.api_key,
    '--application-key', server.credentials.application_key], { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (piece) => { out += piece; });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  try {
    let sent = 0;
    await eventually('a line comes', async () => {
      if (out.includes('shown')) return true;
      await log(`shown ${sent += 1} \u001b[31mred`);
      return false;
    });
    assert.match(out, /shown \d+ \\x1b\[31mred/);
    assert.ok(!out.includes('\u001b'));
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
});
