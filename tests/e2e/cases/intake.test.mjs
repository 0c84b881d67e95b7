// Datadog's own API client against the intake and the search API, unmodified.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import zlib, { deflateSync, gzipSync } from 'node:zlib';

import { client, v1, v2 } from '@datadog/datadog-api-client';

import { Server } from '../lib/server.mjs';

// Node has it from version 22 on.
const { zstdCompressSync } = zlib;

let server;
let configuration;
before(async () => {
  server = await Server.start();
  configuration = client.createConfiguration({
    authMethods: { apiKeyAuth: server.credentials.api_key, appKeyAuth: server.credentials.application_key },
    baseServer: new client.BaseServerConfiguration(server.url, {}),
  });
});
after(async () => { await server.stop(); });

test('the key validates, a wrong one does not', async () => {
  assert.equal((await new v1.AuthenticationApi(configuration).validate()).valid, true);
  const response = await fetch(`${server.url}/api/v1/validate`, { headers: { 'DD-API-KEY': '0'.repeat(32) } });
  assert.equal(response.status, 403);
});

test('submits with and without compression, and pages through what it finds', async () => {
  const logs = new v2.LogsApi(configuration);
  for (const contentEncoding of [undefined, 'gzip', 'deflate']) {
    await logs.submitLog({
      body: Array.from({ length: 40 }, (_, i) => ({
        ddsource: 'test', service: 'pager', message: `page ${contentEncoding ?? 'plain'} ${i}`, ddtags: 'suite:intake',
      })),
      ...(contentEncoding ? { contentEncoding } : {}),
    });
  }
  await server.events('service:pager', 120);
  const seen = [];
  for await (const log of logs.listLogsWithPagination({
    body: { filter: { query: 'service:pager suite:intake', from: 'now-1h', to: 'now' }, page: { limit: 25 } },
  })) seen.push(log.id);
  assert.equal(seen.length, 120);
  assert.equal(new Set(seen).size, 120);
  const got = [];
  for await (const log of logs.listLogsGetWithPagination({ filterQuery: 'service:pager', pageLimit: 50 })) got.push(log.id);
  assert.equal(got.length, 120);
});

test('API v1 lists logs, page by page, in both orders', async () => {
  const logs = new v1.LogsApi(configuration);
  const time = { from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 60_000) };
  for (const sort of ['asc', 'desc']) {
    const seen = [];
    let startAt;
    do {
      const page = await logs.listLogs({ body: { query: 'service:pager suite:intake', time, sort, limit: 50, ...(startAt ? { startAt } : {}) } });
      assert.equal(page.status, 'done');
      for (const log of page.logs) {
        assert.equal(log.content.service, 'pager');
        assert.ok(log.content.tags.includes('source:test'));
        assert.ok(log.content.timestamp instanceof Date);
        seen.push(log);
      }
      startAt = page.nextLogId;
    } while (startAt);
    assert.equal(seen.length, 120);
    assert.equal(new Set(seen.map((log) => log.id)).size, 120);
    const times = seen.map((log) => log.content.timestamp.getTime());
    assert.deepEqual(times, [...times].sort((a, b) => (sort === 'asc' ? a - b : b - a)));
  }
  await assert.rejects(logs.listLogs({ body: { query: '(a', time } }), (error) => error.code === 400 && error.body.error.code === 'InvalidArgument');
});

test('each read says how much of the rate is left', async () => {
  const body = JSON.stringify({ time: { from: 'now-1h', to: 'now' } });
  const headers = { 'content-type': 'application/json' };
  for (const response of [
    await server.fetch('/api/v2/logs/events'),
    await server.fetch('/api/v2/logs/events/search', { method: 'POST', headers, body: '{}' }),
    await server.fetch('/api/v1/logs-queries/list', { method: 'POST', headers, body }),
  ]) {
    assert.equal(response.status, 200);
    const number = (name) => Number(response.headers.get(`x-ratelimit-${name}`));
    assert.ok(number('limit') > number('remaining') && number('remaining') > 0);
    assert.ok(number('reset') <= number('period') && number('reset') > 0);
    assert.equal(response.headers.get('x-ratelimit-name'), 'logs_queries');
  }
});

test('every content coding is taken, and a bomb is not', async () => {
  const post = (body, coding, type = 'application/json') => server.fetch('/api/v2/logs', {
    method: 'POST', body, headers: { 'content-type': type, ...(coding ? { 'content-encoding': coding } : {}) },
  });
  const text = JSON.stringify([{ message: 'coded', service: 'coding' }]);
  assert.equal((await post(text)).status, 202);
  assert.equal((await post(gzipSync(text), 'gzip')).status, 202);
  assert.equal((await post(deflateSync(text), 'deflate')).status, 202);
  if (zstdCompressSync) assert.equal((await post(zstdCompressSync(Buffer.from(text)), 'zstd')).status, 202);
  await server.events('service:coding', zstdCompressSync ? 4 : 3);
  assert.equal((await post(gzipSync(Buffer.alloc(64 << 20)), 'gzip')).status, 413);
  assert.equal((await post('{"message":', undefined)).status, 400);
});

test('no key is 401, a wrong key is 403', async () => {
  const post = (headers) => fetch(`${server.url}/api/v2/logs`, {
    method: 'POST', body: '[{"message":"x"}]', headers: { 'content-type': 'application/json', ...headers },
  });
  assert.equal((await post({})).status, 401);
  assert.equal((await post({ 'DD-API-KEY': 'f'.repeat(32) })).status, 403);
});

test('a bad query says where', async () => {
  const response = await server.fetch('/api/v2/logs/events/search', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ filter: { query: '@a:(b' } }),
  });
  assert.equal(response.status, 400);
  assert.match(JSON.stringify(await response.json()), /position|character|byte/i);
});
