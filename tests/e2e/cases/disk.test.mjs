// A real full disk, where the machine lets us make a small one: 503, 451, queries go on, and everything
// resumes by itself when space is back.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

import { run, Server, BINARY, cleanEnvironment } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const mount = mkdtempSync(join(tmpdir(), 'postglass-disk-'));
let mounted = false;
try {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', mount], { stdio: 'ignore' });
  mounted = true;
} catch {
  rmSync(mount, { recursive: true });
}

test('a full disk', { skip: mounted ? false : 'SKIPPED: this machine does not let us mount a small tmpfs' }, async () => {
  const server = new Server(join(mount, 'data'), {});
  try {
    const { stdout } = await run(BINARY, ['init', '--data', server.data, '--json'], { env: cleanEnvironment() });
    server.credentials = JSON.parse(stdout);
    await server.launch();
    const ses = new SESv2Client(server.aws);
    const send = (to) => ses.send(new SendEmailCommand({
      FromEmailAddress: 'a@example.com', Destination: { ToAddresses: [to] },
      Content: { Simple: { Subject: { Data: 'Disk' }, Body: { Text: { Data: 'x' } } } },
    }));
    await send('before@disk.example');
    await server.events('@mail.destination:before@disk.example', 2);

    const sqs = new SQSClient(server.aws);
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'disk' }));
    const put = (MessageBody) => sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    await put('before');

    const filler = join(mount, 'filler');
    try { execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1M'], { stdio: 'ignore' }); } catch { /* full, as wanted */ }

    await eventually('sending is refused', async () => {
      try {
        await send('during@disk.example');
        return false;
      } catch (error) {
        return error.name === 'ServiceUnavailable' && error.$metadata.httpStatusCode === 503;
      }
    }, { detail: () => server.log.slice(-2000) });
    await eventually('queues take nothing', async () => {
      try {
        await put('during');
        return false;
      } catch (error) {
        return error.$metadata.httpStatusCode === 503;
      }
    });
    const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
    assert.equal(Messages[0].Body, 'before', 'queues give out what they have');
    const logs = await server.fetch('/api/v2/logs', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '[{"message":"x"}]' });
    assert.equal(logs.status, 503);
    assert.ok(logs.headers.get('retry-after'));
    const { user, password } = server.credentials.smtp;
    const smtp = await run('swaks', ['--server', server.listening.smtp, '--tls', '--auth', 'LOGIN', '--auth-user', user,
      '--auth-password', password, '--from', 'a@example.com', '--to', 'x@disk.example']).catch((error) => error);
    assert.match(smtp.stdout, /451 Temporary service failure/);
    assert.equal((await server.search('@mail.destination:before@disk.example')).length, 2, 'queries go on');
    const ready = await server.fetch('/readyz');
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /disk|space/i);

    writeFileSync(filler, '');
    await eventually('sending works again', async () => {
      try { return await send('after@disk.example'); } catch { return false; }
    });
    await server.events('@mail.destination:after@disk.example', 2);
    await eventually('ready again', async () => (await server.fetch('/readyz')).status === 200);
    assert.deepEqual(await server.terminate(), { code: 0, signal: null });
  } finally {
    await server.terminate('SIGKILL').catch(() => {});
    execFileSync('umount', [mount]);
    rmSync(mount, { recursive: true });
  }
});

test('a read-only directory is named and not started', { skip: process.getuid() === 0 ? 'SKIPPED: root may write everywhere' : false }, async () => {
  const data = mkdtempSync(join(tmpdir(), 'postglass-e2e-'));
  execFileSync('chmod', ['500', data]);
  const result = await run(BINARY, ['serve', '--data', join(data, 'x')], { env: cleanEnvironment() }).catch((error) => error);
  assert.equal(result.code, 3);
  execFileSync('chmod', ['700', data]);
  rmSync(data, { recursive: true });
});
