// The OpenAPI document and the running server say the same: every operation in it is called and answers as
// described, and what is not in it is not served.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Validator } from '@seriousme/openapi-schema-validator';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import { Server } from '../lib/server.mjs';

let server;
let document;
let ajv;
let messageId;

before(async () => {
  server = await Server.start();
  const ses = new SESv2Client(server.aws);
  const send = (to) => ses.send(new SendEmailCommand({
    FromEmailAddress: 'Example <a@example.com>', Destination: { ToAddresses: [to] },
    Content: { Simple: { Subject: { Data: 'Reset your password' }, Body: { Html: { Data: '<p>x</p>' } } } },
  }));
  messageId = (await send('alice@somewhere.example')).MessageId;
  await send('bounce@simulator.amazonses.com');
  const sqs = new SQSClient(server.aws);
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  const deadLetterTargetArn = Attributes.QueueArn;
  await sqs.send(new CreateQueueCommand({
    QueueName: 'live', Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 3 }) },
  }));
  await server.events('@eventType:Bounce', 1);
  await server.events('@eventType:Delivery', 1);
  document = await (await fetch(`${server.url}/api/openapi.json`)).json();
  ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ $id: 'https://postglass.test/openapi', ...document });
});
after(() => server.stop());

function* operations() {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) yield { path, method: method.toUpperCase(), ...operation };
  }
}

// How each operation is called; made in this order where one needs another. What is not here is called bare.
const made = {};
const calls = () => ({
  submitLogs: { body: [{ message: 'from the test', service: 'openapi' }] },
  submitLogsWithKey: { path: { key: server.credentials.api_key }, body: [{ message: 'x' }] },
  submitLogsV1: { body: { message: 'x' } },
  submitLogsV1WithKey: { path: { key: server.credentials.api_key }, body: { message: 'x' } },
  searchLogs: { body: { filter: { query: '*', from: 'now-1h', to: 'now' }, page: { limit: 2 } } },
  listLogsGet: { query: 'filter[query]=*&page[limit]=2' },
  listLogsV1: { body: { time: { from: 'now-1h', to: 'now' }, limit: 2 } },
  aggregateLogs: { body: { compute: [{ aggregation: 'count' }], group_by: [{ facet: '@eventType' }] } },
  searchSorted: { body: { filter: { from: 'now-1h', to: 'now' }, sort: '-@mail.messageId', explain: true } },
  explore: { body: { filter: { from: 'now-1h', to: 'now' }, histogram: { interval: '1m' }, facets: [{ facet: '@eventType' }] } },
  findTransactions: { body: { by: '@mail.messageId', count_by: '@eventType' } },
  redriveDeadLetters: { body: {} },
  lookIntoQueue: { path: { name: 'dead' } },
  redriveQueue: { path: { name: 'dead' }, body: {} },
  purgeQueue: { path: { name: 'dead' }, body: {} },
  answer: { query: 'address=alice@somewhere.example' },
  getMail: { path: { id: messageId } },
  getRecipient: { path: { address: 'bounce@simulator.amazonses.com' } },
  getDomain: { path: { domain: 'simulator.amazonses.com' } },
  getCaptured: { path: { id: messageId } },
  getCapturedHtml: { path: { id: messageId } },
  getCapturedRaw: { path: { id: messageId } },
  topValues: { query: 'field=@eventType&field=service' },
  histogram: { query: 'split=@eventType' },
  exportEvents: { query: 'query=@eventType:Bounce' },
  tailEvents: { query: 'query=nothing' },
  createFacet: { body: { path: '@order.id' }, keep: 'facet' },
  getFacet: { path: { id: made.facet?.id } },
  replaceFacet: { path: { id: made.facet?.id }, body: made.facet },
  deleteFacet: { path: { id: made.facet?.id } },
  createView: { body: { name: 'Mine', rule: [{ by: 'tag', value: 'kind:reset' }] }, keep: 'view' },
  getView: { path: { id: made.view?.id } },
  replaceView: { path: { id: made.view?.id }, body: made.view },
  deleteView: { path: { id: made.view?.id } },
  followViewLink: { path: { id: 'password-resets' } },
  logIn: { body: { user: server.credentials.admin.user, password: server.credentials.admin.password }, keep: 'session' },
  createKey: { body: { kind: 'api', name: 'openapi' }, keep: 'key' },
  revokeKey: { path: { id: made.key?.key } },
  createUser: { body: { name: 'bob' } },
  setPassword: { body: { name: 'bob', password: 'a long password' } },
  removeUser: { path: { name: 'bob' } },
  eraseAddress: { body: { address: 'nobody@nowhere.example' } },
  logOut: { body: {} },
});

function headersFor(operation) {
  const [way = {}] = operation.security;
  const headers = {};
  if ('apiKey' in way) headers['DD-API-KEY'] = server.keys['DD-API-KEY'];
  if ('applicationKey' in way) headers['DD-APPLICATION-KEY'] = server.keys['DD-APPLICATION-KEY'];
  const operator = operation.security.length === 2;
  if (operator) headers['X-Postglass-Cli-Key'] = readFileSync(join(server.data, 'cli.key'), 'utf8').trim();
  if (operation.operationId === 'getSession') headers.cookie = made.cookie;
  return headers;
}

function urlOf(operation, call) {
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(call.path[name]));
  return `${server.url}${path}${call.query ? `?${call.query}` : ''}`;
}

function check(operation, status, schema, value) {
  const reference = `https://postglass.test/openapi${schema.$ref ?? ''}`;
  const validate = ajv.getSchema(reference);
  assert.ok(validate, `${operation.operationId}: ${reference}`);
  assert.ok(validate(value), `${operation.operationId} ${status}: ${JSON.stringify(validate.errors?.slice(0, 5))} in ${JSON.stringify(value).slice(0, 600)}`);
}

test('it is a valid OpenAPI 3.1 document', async () => {
  const result = await new Validator().validate(structuredClone(document));
  assert.ok(result.valid, JSON.stringify(result.errors, null, 1));
  assert.equal(document.openapi, '3.1.0');
});

test('every operation is there and answers as described', async () => {
  // What makes a thing before what asks for it, what removes it last.
  const rank = ({ operationId, method }) => (operationId === 'logOut' ? 3 : method === 'DELETE' ? 2 : /^(create|logIn|submit)/.test(operationId) ? 0 : 1);
  for (const operation of [...operations()].sort((a, b) => rank(a) - rank(b))) {
    // Only Amazon can sign for the one (see below), the other wants its key in a header of its own.
    if (['receiveSns', 'receiveFirehose'].includes(operation.operationId)) continue;
    const call = calls()[operation.operationId] ?? {};
    if (call.body) {
      const { schema } = operation.requestBody.content['application/json'];
      check(operation, 'request', schema, call.body);
    }
    const control = new AbortController();
    const response = await fetch(urlOf(operation, call), {
      method: operation.method, redirect: 'manual', signal: control.signal,
      headers: { ...headersFor(operation), ...(call.body ? { 'content-type': 'application/json' } : {}) },
      body: call.body && JSON.stringify(call.body),
    });
    const described = operation.responses[response.status];
    assert.ok(described, `${operation.operationId}: ${response.status} ${await (response.status >= 400 ? response.text() : '')}`);
    const [media] = Object.keys(described.content ?? {});
    if (media) assert.equal(response.headers.get('content-type').split(';')[0], media, operation.operationId);
    if (operation.operationId === 'tailEvents') { control.abort(); continue; }
    if (media === 'application/json') {
      const value = await response.json();
      check(operation, response.status, described.content[media].schema, value);
      if (call.keep) made[call.keep] = value;
    } else {
      await response.arrayBuffer();
    }
    if (operation.operationId === 'logIn') made.cookie = response.headers.get('set-cookie').split(';')[0];
  }
});

test('every guarded operation refuses who shows no key, and says so as described', async () => {
  for (const operation of operations()) {
    if (operation.security.length === 0) continue;
    const call = calls()[operation.operationId] ?? { path: {} };
    const path = Object.fromEntries((operation.path.match(/(?<=\{)\w+/g) ?? []).map((name) => [name, 'x@y.example']));
    const response = await fetch(urlOf(operation, { query: call.query, path }), { method: operation.method, body: operation.requestBody && '{}' });
    assert.ok([401, 403].includes(response.status), `${operation.operationId}: ${response.status}`);
    const value = await response.json();
    if (!('code' in value)) check(operation, response.status, { $ref: '#/components/schemas/Error' }, value);
  }
});

test('the hook for Amazon SNS is there and believes nobody else', async () => {
  const response = await fetch(`${server.url}/hooks/sns`, { method: 'POST', body: '{}' });
  assert.equal(response.status, 400);
});

test('below /api/ nothing is served that is not in it', async () => {
  for (const path of ['/api/v2/postglass/', '/api/v2/postglass/secret', '/api/v2/postglass/facets/a/b', '/api/v3/logs', '/api/']) {
    const response = await server.fetch(path);
    assert.equal(response.status, 404, path);
    assert.ok(Array.isArray((await response.json()).errors));
  }
  for (const [template, methods] of Object.entries(document.paths)) {
    if (!template.startsWith('/api/')) continue;
    const path = template.replace(/\{\w+\}/g, 'x');
    const response = await server.fetch(path, { method: 'PATCH' });
    assert.equal(response.status, 405, path);
    const allowed = response.headers.get('allow').split(', ');
    for (const method of Object.keys(methods)) assert.ok(allowed.includes(method.toUpperCase()), `${method} ${path}`);
  }
});
