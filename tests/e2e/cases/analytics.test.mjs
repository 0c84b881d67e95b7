// Datadog's own API client against log analytics, unmodified.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { client, v2 } from '@datadog/datadog-api-client';

import { Server } from '../lib/server.mjs';

let server;
let logs;
before(async () => {
  server = await Server.start();
  logs = new v2.LogsApi(client.createConfiguration({
    authMethods: { apiKeyAuth: server.credentials.api_key, appKeyAuth: server.credentials.application_key },
    baseServer: new client.BaseServerConfiguration(server.url, {}),
  }));
  const mail = (type, to, ms, status = 'info') => ({
    ddsource: 'test', service: 'shop', message: JSON.stringify({ type, to, ms, status }),
  });
  await logs.submitLog({
    body: [
      ...Array.from({ length: 30 }, (_, i) => mail('Send', `user${i % 3}@example.com`, i + 1)),
      ...Array.from({ length: 10 }, (_, i) => mail('Bounce', 'user0@example.com', 1000 + i, 'error')),
      { ddsource: 'test', service: 'shop', message: '{"type":"Open"}' },
    ],
  });
  await server.events('service:shop', 41);
});
after(async () => { await server.stop(); });

const aggregate = (body) => logs.aggregateLogs({
  body: { ...body, filter: { query: 'service:shop', from: 'now-1h', to: 'now', ...body.filter } },
});

test('totals by group, sorted by a measure, with a name for the missing and for the total', async () => {
  const answer = await aggregate({
    compute: [
      { aggregation: 'count' },
      { aggregation: 'pc95', metric: '@ms' },
      { aggregation: 'cardinality', metric: '@to' },
    ],
    groupBy: [{
      facet: '@type', limit: 5, total: 'all',
      sort: { type: 'measure', aggregation: 'max', metric: '@ms', order: 'desc' },
    }],
  });
  assert.deepEqual(answer.data.buckets.map((b) => [b.by['@type'], b.computes.c0, b.computes.c2]), [
    ['Bounce', 10, 1], ['Send', 30, 3], ['Open', 1, 0], ['all', 41, 3],
  ]);
  const [bounce, send, open] = answer.data.buckets.map((b) => b.computes.c1);
  assert.ok(Math.abs(bounce - 1008) <= 1008 * 0.01, `${bounce}`);
  assert.ok(Math.abs(send - 28) <= 28 * 0.01, `${send}`);
  assert.equal(open, undefined);
  assert.equal(answer.meta.status, 'done');
  assert.match(answer.meta.requestId, /^[\w-]{32}$/);
  const [missing] = (await aggregate({
    filter: { query: 'service:shop @type:Open' }, groupBy: [{ facet: '@to', missing: 'nobody' }],
  })).data.buckets;
  assert.deepEqual([missing.by['@to'], missing.computes.c0], ['nobody', 1]);
});

test('a time series holds every event, whatever the time zone', async () => {
  for (const options of [{}, { timezone: 'Europe/Berlin' }, { timezone: 'Asia/Kolkata' }, { timeOffset: -3600 }]) {
    const answer = await aggregate({
      compute: [{ aggregation: 'count', type: 'timeseries', interval: '1h' }],
      groupBy: [{ facet: 'status' }],
      options,
    });
    const counts = Object.fromEntries(answer.data.buckets.map((b) => [
      b.by.status, b.computes.c0.reduce((sum, point) => sum + point.value, 0)]));
    assert.deepEqual(counts, { info: 31, error: 10 });
    for (const { time } of answer.data.buckets[0].computes.c0) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:[03]0:00\.000Z$/);
  }
});

test('pages through more groups than one answer has', async () => {
  const answer = await aggregate({ groupBy: [{ facet: '@ms', limit: 10000 }] });
  assert.equal(answer.data.buckets.length, 40);
  assert.equal(answer.meta.page, undefined);
});

test('what is wrong is said as the client expects it', async () => {
  await assert.rejects(aggregate({ filter: { query: '@a:(' } }), (error) => {
    assert.equal(error.code, 400);
    assert.match(error.body.errors[0], /^invalid query at position 4/);
    return true;
  });
  await assert.rejects(aggregate({ options: { timezone: 'Mars/Olympus' } }), { code: 400 });
});

const post = async (path, body) => {
  const response = await fetch(`${server.url}/api/v2/postglass/${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'DD-API-KEY': server.credentials.api_key,
      'DD-APPLICATION-KEY': server.credentials.application_key,
    },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return response;
};

test('one call answers a screen, at once or in lines, and its cursor leads on', async () => {
  const screen = {
    filter: { query: 'service:shop', from: 'now-1h' },
    rows: { limit: 5 },
    histogram: { split: 'status' },
    facets: [{ facet: '@type' }, { facet: '@to', limit: 2 }],
  };
  const { data, meta } = await (await post('explore', screen)).json();
  assert.equal(data.count, 41);
  assert.equal(data.histogram.counts.reduce((a, b) => a + b, 0), 41);
  assert.deepEqual(data.histogram.split.map((s) => s.value), ['info', 'error']);
  assert.deepEqual(data.facets[0].values.map((v) => [v.value, v.count]), [['Send', 30], ['Bounce', 10], ['Open', 1]]);
  assert.equal(data.events.length, 5);
  assert.equal(meta.status, 'done');
  const next = await logs.listLogs({ body: { filter: { query: 'service:shop' }, page: { cursor: data.after, limit: 100 } } });
  assert.equal(next.data.length, 36);
  const lines = (await (await post('explore', { ...screen, stream: true })).text()).trim().split('\n').map((l) => JSON.parse(l));
  assert.deepEqual(lines.map((l) => Object.keys(l)[0]), ['events', 'coverage', 'count', 'histogram', 'facet', 'facet', 'meta']);
});

test('transactions hold all their events, and a query within a query finds what never came', async () => {
  const { data } = await (await post('transactions', {
    filter: { query: 'service:shop @type:Bounce', from: 'now-1h' }, by: '@to', count_by: '@type',
  })).json();
  assert.equal(data.length, 1);
  assert.equal(data[0].id, 'user0@example.com');
  assert.equal(data[0].status, 'error');
  assert.deepEqual(data[0].counts, { Bounce: 10, Send: 10 });
  assert.equal(data[0].matching, 10);
  const never = await aggregate({ filter: { query: 'service:shop @to NOT IN (@type:Bounce)' }, groupBy: [{ facet: '@to' }] });
  assert.deepEqual(never.data.buckets.map((b) => [b.by['@to'], b.computes.c0]), [['user1@example.com', 10], ['user2@example.com', 10]]);
});
