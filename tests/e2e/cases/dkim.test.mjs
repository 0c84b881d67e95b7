// Mail that leaves is signed with the domain's own key, and a verifier nobody here wrote (dkimpy) believes it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';

import {
  CreateEmailIdentityCommand, PutEmailIdentityDkimAttributesCommand, PutEmailIdentityDkimSigningAttributesCommand, SendEmailCommand,
  SESv2Client,
} from '@aws-sdk/client-sesv2';

import { ScriptedRelay } from '../lib/relay-peers.mjs';
import { Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

// Debian's Python has Debian's packages.
const PYTHON = '/usr/bin/python3';
const VERIFY = `
import dkim, sys
record = sys.argv[1].encode()
asked = []
def dns(name, timeout=5):
    asked.append(name.decode())
    return record
print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=dns), *asked)
`;
const missing = spawnSync(PYTHON, ['-c', 'import dkim']).status === 0 ? '' : 'no dkimpy (package python3-dkim)';
if (missing) console.error(`SKIPPED tests/e2e/cases/dkim.test.mjs: ${missing}`);
const options = { skip: missing ? `SKIPPED: ${missing}` : false };

const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const record = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;
let relay;
let server;
let ses;

before(async () => {
  relay = await ScriptedRelay.start();
  server = await Server.start({ set: { 'mail.mode': 'relay', 'relay.host': '127.0.0.1', 'relay.port': relay.port, 'relay.tls': 'never' } });
  ses = new SESv2Client(server.aws);
  await ses.send(new CreateEmailIdentityCommand({
    EmailIdentity: 'signed.example',
    DkimSigningAttributes: {
      DomainSigningSelector: 's1', DomainSigningPrivateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    },
  }));
});
after(async () => {
  await server?.stop();
  await relay?.stop();
});

// The message as the relay got it.
const relayed = async (to, from, Content) => {
  await ses.send(new SendEmailCommand({ FromEmailAddress: from, Destination: { ToAddresses: [to] }, Content }));
  const [mail] = await eventually(`a mail to ${to}`, () => {
    const taken = relay.takenFor(to);
    return taken.length > 0 && taken;
  }, { detail: () => server.log.slice(-2000) });
  return mail.raw;
};
const verify = (raw) => spawnSync(PYTHON, ['-c', VERIFY, record], { input: raw, encoding: 'utf8' }).stdout.trim();
const simple = (text, html = '<p>x</p>') => ({
  Simple: { Subject: { Data: 'Ihr Zugang — größer' }, Body: { Text: { Data: text }, Html: { Data: html } } },
});

test('what leaves verifies, and nothing can be changed', options, async () => {
  const raw = await relayed('one@there.example', 'Shop <shop@signed.example>', simple('Hello  \nworld\t \n\n\n'));
  assert.equal(verify(raw), 'True s1._domainkey.signed.example.');
  assert.match(verify(raw.replace('world', 'World')), /^False/);
  assert.match(verify(raw.replace(/^Subject: /m, 'Subject: x')), /^False/);
  assert.match(verify(raw.replace(/^From: /m, 'From: Eve <eve@signed.example>\r\nFrom: ')), /^False/);
});

test('raw mail, tracked mail and mail of a subdomain verify', options, async () => {
  const message = ['From: a@mail.signed.example', 'To: two@there.example', 'Subject: Raw', 'X-Folded: a', '\tb',
    'List-Unsubscribe: <https://signed.example/u>', 'List-Unsubscribe-Post: List-Unsubscribe=One-Click', '', '.', '..dots', '', ''].join('\r\n');
  const raw = await relayed('two@there.example', 'a@mail.signed.example', { Raw: { Data: Buffer.from(message) } });
  assert.match(verify(raw), /^True/);
  assert.match(raw, /h=[^;]*list-unsubscribe:list-unsubscribe-post/s);
});

test('nothing is signed without a key, for another domain, or when it is switched off', options, async () => {
  assert.doesNotMatch(await relayed('three@there.example', 'a@other.example', simple('x')), /DKIM-Signature/);
  await ses.send(new PutEmailIdentityDkimAttributesCommand({ EmailIdentity: 'signed.example', SigningEnabled: false }));
  assert.doesNotMatch(await relayed('four@there.example', 'a@signed.example', simple('x')), /DKIM-Signature/);
  await ses.send(new PutEmailIdentityDkimAttributesCommand({ EmailIdentity: 'signed.example', SigningEnabled: true }));
  assert.match(verify(await relayed('five@there.example', 'a@signed.example', simple('x'))), /^True/);
  await assert.rejects(ses.send(new PutEmailIdentityDkimSigningAttributesCommand({
    EmailIdentity: 'signed.example', SigningAttributesOrigin: 'EXTERNAL',
    SigningAttributes: { DomainSigningSelector: 's2', DomainSigningPrivateKey: 'AAAA' },
  })), { name: 'BadRequestException', message: /private key/ });
});
