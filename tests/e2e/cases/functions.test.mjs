// Functions with code of their own: made, invoked, failing and deleted through the AWS SDK, as SNS invokes
// them and as events that nobody waits for.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

import {
  AddPermissionCommand, CreateFunctionCommand, DeleteFunctionCommand, GetFunctionCommand, InvokeCommand, LambdaClient,
  PutFunctionEventInvokeConfigCommand, UpdateFunctionCodeCommand, UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

import { withServer } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const ROLE = 'arn:aws:iam::000000000000:role/functions';
const CUSTOM = { set: { 'functions.custom_code': 'true' } };
const skip = existsSync('/usr/bin/python3') ? false : 'SKIPPED: /usr/bin/python3 is not there';

// A zip archive of {path: text}; a name that ends in "bootstrap" is executable.
function zip(files) {
  const script = `
import io, json, sys, zipfile
out = io.BytesIO()
with zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED) as archive:
    for path, text in json.load(sys.stdin).items():
        entry = zipfile.ZipInfo(path)
        entry.external_attr = (0o100755 if path.endswith('bootstrap') else 0o100644) << 16
        archive.writestr(entry, text)
sys.stdout.buffer.write(out.getvalue())`;
  return execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(files) });
}

const create = (lambda, FunctionName, files, more = {}) => lambda.send(new CreateFunctionCommand({
  FunctionName, Role: ROLE, Runtime: 'python3.12', Handler: 'app.handler', Timeout: 30, Code: { ZipFile: zip(files) }, ...more,
}));

async function invoke(lambda, FunctionName, payload, more = {}) {
  const answer = await lambda.send(new InvokeCommand({ FunctionName, Payload: JSON.stringify(payload), ...more }));
  const text = answer.Payload && new TextDecoder().decode(answer.Payload);
  return { ...answer, body: text ? JSON.parse(text) : undefined };
}

test('without functions.custom_code no code is taken', { skip }, withServer({}, async (server) => {
  await assert.rejects(create(new LambdaClient(server.aws), 'mine', { 'app.py': '' }), { name: 'AccessDeniedException' });
}));

test('a Python function is made, invoked, changed and deleted', { skip }, withServer(CUSTOM, async (server) => {
  const lambda = new LambdaClient(server.aws);
  const made = await create(lambda, 'greeter', {
    'app.py': "def handler(event, context):\n    print('greeting', event['name'])\n    return 'hello ' + event['name']\n",
  }, { Environment: { Variables: { A: 'b' } } });
  assert.equal(made.State, 'Active');
  assert.equal((await lambda.send(new GetFunctionCommand({ FunctionName: 'greeter' }))).Configuration.CodeSha256, made.CodeSha256);

  const greeted = await invoke(lambda, 'greeter', { name: 'you' }, { LogType: 'Tail' });
  assert.equal(greeted.body, 'hello you');
  assert.equal(greeted.FunctionError, undefined);
  const log = Buffer.from(greeted.LogResult, 'base64').toString();
  assert.match(log, /^START RequestId: \S+ Version: \$LATEST\n/);
  assert.match(log, /^greeting you$/m);
  assert.match(log, /^REPORT RequestId: \S+\tDuration: [\d.]+ ms\t/m);
  await server.events('source:lambda service:greeter "greeting you"');

  const failed = await invoke(lambda, 'greeter', {});
  assert.equal(failed.FunctionError, 'Unhandled');
  assert.equal(failed.body.errorType, 'KeyError');
  assert.ok(failed.body.stackTrace.length > 0);

  await lambda.send(new UpdateFunctionCodeCommand({
    FunctionName: 'greeter', ZipFile: zip({ 'app.py': "import os\ndef handler(event, context):\n    return dict(os.environ)\n" }),
  }));
  const { body: env } = await invoke(lambda, 'greeter', {});
  assert.equal(env.A, 'b');
  assert.equal(env.HOME, undefined);
  assert.equal(env.DD_URL, '127.0.0.1');
  assert.equal(env.DD_PORT, String(server.port));
  assert.equal(env.DD_NO_SSL, 'true');
  assert.equal(env.DD_API_URL, server.url);

  await lambda.send(new UpdateFunctionCodeCommand({
    FunctionName: 'greeter', ZipFile: zip({ 'app.py': "import time\ndef handler(event, context):\n    time.sleep(600)\n" }),
  }));
  await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'greeter', Timeout: 1 }));
  assert.match((await invoke(lambda, 'greeter', {})).body.errorMessage, /Task timed out after 1\.00 seconds/);

  await lambda.send(new UpdateFunctionCodeCommand({
    FunctionName: 'greeter', ZipFile: zip({ 'app.py': 'import pandas_missing, yaml_missing\n' }),
  }));
  assert.match((await invoke(lambda, 'greeter', {})).body.errorMessage, /No module named 'pandas_missing'/);

  await lambda.send(new DeleteFunctionCommand({ FunctionName: 'greeter' }));
  await assert.rejects(invoke(lambda, 'greeter', {}), { name: 'ResourceNotFoundException' });
}));

test('a bootstrap of a provided runtime is fed over the Runtime API', { skip }, withServer(CUSTOM, async (server) => {
  const lambda = new LambdaClient(server.aws);
  await create(lambda, 'shell', {
    bootstrap: `#!/usr/bin/env python3
import json, os, urllib.request
base = 'http://' + os.environ['AWS_LAMBDA_RUNTIME_API'] + '/2018-06-01/runtime/invocation/'
while True:
    event = urllib.request.urlopen(base + 'next')
    request_id = event.headers['Lambda-Runtime-Aws-Request-Id']
    body = json.dumps({'handler': os.environ['_HANDLER'], 'cwd': os.getcwd() == os.environ['LAMBDA_TASK_ROOT'],
                       'event': json.load(event)}).encode()
    urllib.request.urlopen(base + request_id + '/response', body)
`,
  }, { Runtime: 'provided.al2023', Handler: 'anything' });
  assert.deepEqual((await invoke(lambda, 'shell', { n: 1 })).body, { handler: 'anything', cwd: true, event: { n: 1 } });
}));

test('an asynchronous event that keeps failing reaches the dead-letter queue, also over a restart', { skip }, withServer(CUSTOM, async (server) => {
  const clients = () => [new LambdaClient(server.aws), new SQSClient(server.aws)];
  let [lambda, sqs] = clients();
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const queue = `arn:aws:sqs:${server.region}:000000000000:dead`;
  await create(lambda, 'failing', { 'app.py': "def handler(event, context):\n    raise RuntimeError('never')\n" },
    { DeadLetterConfig: { TargetArn: queue } });
  assert.equal((await invoke(lambda, 'failing', { n: 1 }, { InvocationType: 'Event' })).StatusCode, 202);
  await eventually('it failed once', async () => await server.metric(
    'postglass_functions_invocations_total', 'function="failing"', 'result="failed"') >= 1);
  await server.terminate('SIGKILL');
  await server.launch();
  [lambda, sqs] = clients();
  await lambda.send(new PutFunctionEventInvokeConfigCommand({
    FunctionName: 'failing', MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination: queue } },
  }));
  await invoke(lambda, 'failing', { n: 2 }, { InvocationType: 'Event' });
  const letters = [];
  await eventually('both letters came', async () => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({
      QueueUrl: QueueUrl.replace(/^http:\/\/[^/]+/, server.url), WaitTimeSeconds: 5, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'],
    }));
    letters.push(...Messages);
    return letters.filter((letter) => letter.Body.includes('"n":2')).length >= 2;
  });
  const dead = letters.find((letter) => letter.Body === '{"n":2}');
  assert.equal(dead.MessageAttributes.ErrorMessage.StringValue, 'never');
  const record = letters.map((letter) => JSON.parse(letter.Body)).find((it) => it.requestPayload?.n === 2);
  assert.equal(record.requestContext.condition, 'RetriesExhausted');
  assert.equal(record.responsePayload.errorType, 'RuntimeError');
}));

test('a runtime that is not there is said in the log and in the dead-letter queue', { skip }, withServer(CUSTOM, async (server) => {
  const [lambda, sqs, sns] = [new LambdaClient(server.aws), new SQSClient(server.aws), new SNSClient(server.aws)];
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'dead' }));
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'old' }));
  const { FunctionArn } = await create(lambda, 'old', { 'app.rb': '' }, {
    Runtime: 'ruby2.5', DeadLetterConfig: { TargetArn: `arn:aws:sqs:${server.region}:000000000000:dead` },
  });
  await lambda.send(new AddPermissionCommand({
    FunctionName: 'old', StatementId: 'sns', Action: 'lambda:InvokeFunction', Principal: 'sns.amazonaws.com', SourceArn: TopicArn,
  }));
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'lambda', Endpoint: FunctionArn }));
  await sns.send(new PublishCommand({ TopicArn, Message: 'hello' }));
  const letter = await eventually('the letter came', async () => (await sqs.send(new ReceiveMessageCommand({
    QueueUrl, WaitTimeSeconds: 5, MessageAttributeNames: ['All'],
  }))).Messages?.[0]);
  assert.match(letter.MessageAttributes.ErrorMessage.StringValue, /runtime ruby2\.5 is not supported/);
  assert.equal(JSON.parse(letter.Body).Records[0].Sns.Message, 'hello');
  await server.events('source:lambda service:old "ruby2.5 is not supported here"');
}));

// `make lambda-zip` makes it; without it there is nothing to try.
const FORWARDER = new URL('../../../build/forwarder.zip', import.meta.url).pathname;
test('forwarder.zip runs as it does in the real Lambda', {
  skip: existsSync(FORWARDER) ? false : 'SKIPPED: build/forwarder.zip is not there (make lambda-zip)',
}, withServer(CUSTOM, async (server) => {
  const lambda = new LambdaClient(server.aws);
  await create(lambda, 'packed', {}, {
    Runtime: 'provided.al2023', Handler: 'bootstrap', Code: { ZipFile: readFileSync(FORWARDER) },
    Environment: { Variables: { REDACT_EMAIL: 'true' } },
  });
  const answer = await invoke(lambda, 'packed', {
    Records: [{ EventSource: 'aws:sns', Sns: { MessageId: 'packed-1', Message: 'to someone@example.com' } }],
  }, { LogType: 'Tail' });
  assert.deepEqual(answer.body, { statusCode: 200, forwarded: 1 });
  const [event] = await server.events('forwardername:packed');
  assert.match(JSON.stringify(event), /to xxxxx@xxxxx\.com/);
}));
