// A mail sent through each door, by a client nobody here wrote, is found by its recipient.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { SendEmailCommand, SendRawEmailCommand, SESClient } from '@aws-sdk/client-ses';
import { SESv2Client, SendEmailCommand as SendEmailV2Command } from '@aws-sdk/client-sesv2';
import { readFileSync } from 'node:fs';
import nodemailer from 'nodemailer';

import { run, Server } from '../lib/server.mjs';

let server;
before(async () => { server = await Server.start(); });
after(async () => { await server.stop(); });

const FROM = 'Example <no-reply@accounts.example.com>';

async function assertFound(recipient, messageId, subject) {
  const events = await server.events(`@mail.destination:"${recipient}" @mail.messageId:${messageId}`, 2);
  const types = events.map((event) => event.attributes.attributes.eventType).sort();
  assert.deepEqual(types, ['Delivery', 'Send']);
  for (const event of events) {
    assert.equal(event.attributes.attributes.mail.commonHeaders.subject, subject);
    assert.deepEqual(event.attributes.attributes.mail.tags['ses:configuration-set'], ['default']);
  }
  const delivery = events.find((event) => event.attributes.attributes.eventType === 'Delivery');
  assert.match(delivery.attributes.attributes.delivery.smtpResponse, /^250 /);
}

test('SES API v1, SendEmail', async () => {
  const client = new SESClient(server.aws);
  const { MessageId } = await client.send(new SendEmailCommand({
    Source: FROM,
    Destination: { ToAddresses: ['v1@somewhere.example'] },
    Message: { Subject: { Data: 'Reset your password' }, Body: { Text: { Data: 'Hello' }, Html: { Data: '<p>Hello</p>' } } },
  }));
  assert.match(MessageId, /^[0-9a-f]{16}-[0-9a-f-]{36}-000000$/);
  await assertFound('v1@somewhere.example', MessageId, 'Reset your password');
});

test('SES API v1, SendRawEmail', async () => {
  const client = new SESClient(server.aws);
  const { MessageId } = await client.send(new SendRawEmailCommand({
    RawMessage: { Data: Buffer.from('From: a@example.com\r\nTo: raw@somewhere.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi\r\n') },
  }));
  await assertFound('raw@somewhere.example', MessageId, 'Grüße');
});

test('SES API v2, simple and raw', async () => {
  const client = new SESv2Client(server.aws);
  const simple = await client.send(new SendEmailV2Command({
    FromEmailAddress: FROM,
    Destination: { ToAddresses: ['v2@somewhere.example'] },
    Content: { Simple: { Subject: { Data: 'Your sign-in code' }, Body: { Text: { Data: '123456' } } } },
  }));
  await assertFound('v2@somewhere.example', simple.MessageId, 'Your sign-in code');
  const raw = await client.send(new SendEmailV2Command({
    Content: { Raw: { Data: Buffer.from('From: a@example.com\r\nTo: v2raw@somewhere.example\r\nSubject: Raw\r\n\r\nHi\r\n') } },
  }));
  await assertFound('v2raw@somewhere.example', raw.MessageId, 'Raw');
});

test('SMTP with STARTTLS and with TLS, by nodemailer', async () => {
  const { user, password } = server.credentials.smtp;
  for (const [where, secure] of [[server.listening.smtp, false], [server.listening.smtps, true]]) {
    const [host, port] = where.split(':');
    const transport = nodemailer.createTransport({
      host, port: Number(port), secure, requireTLS: !secure, auth: { user, pass: password },
      tls: { ca: readFileSync(server.ca) },
    });
    const to = secure ? 'smtps@somewhere.example' : 'smtp@somewhere.example';
    const info = await transport.sendMail({ from: FROM, to, subject: 'By SMTP', text: 'Hello' });
    const id = /^250 Ok (\S+)/.exec(info.response)?.[1];
    assert.ok(id, info.response);
    await assertFound(to, id, 'By SMTP');
  }
});

test('nodemailer over the SES API', async () => {
  const transport = nodemailer.createTransport({
    SES: { sesClient: new SESv2Client(server.aws), SendEmailCommand: SendEmailV2Command },
  });
  const info = await transport.sendMail({ from: FROM, to: 'nm@somewhere.example', subject: 'By nodemailer', text: 'x' });
  const id = /[0-9a-f]{16}-[0-9a-f-]{36}-000000/.exec(info.response ?? info.messageId)?.[0];
  assert.ok(id);
  await assertFound('nm@somewhere.example', id, 'By nodemailer');
});

test('the aws command line', async () => {
  const { access_key_id, secret_access_key, region } = server.credentials.aws;
  const env = {
    PATH: process.env.PATH, HOME: server.data, AWS_ACCESS_KEY_ID: access_key_id,
    AWS_SECRET_ACCESS_KEY: secret_access_key, AWS_DEFAULT_REGION: region, AWS_EC2_METADATA_DISABLED: 'true',
  };
  const { stdout } = await run('/usr/bin/aws', [
    '--endpoint-url', server.url, 'sesv2', 'send-email', '--from-email-address', 'a@example.com',
    '--destination', 'ToAddresses=cli@somewhere.example',
    '--content', 'Simple={Subject={Data=By the CLI},Body={Text={Data=t}}}',
  ], { env });
  await assertFound('cli@somewhere.example', JSON.parse(stdout).MessageId, 'By the CLI');
});

test('swaks, AUTH LOGIN and AUTH PLAIN', async () => {
  const { user, password } = server.credentials.smtp;
  for (const method of ['LOGIN', 'PLAIN']) {
    const { stdout } = await run('swaks', [
      '--server', server.listening.smtp, '--tls', '--auth', method, '--auth-user', user, '--auth-password', password,
      '--from', 'a@example.com', '--to', `swaks-${method.toLowerCase()}@somewhere.example`,
      '--header', 'Subject: By swaks',
    ]);
    const id = /250 Ok (\S+)/.exec(stdout)?.[1];
    assert.ok(id, stdout);
    await assertFound(`swaks-${method.toLowerCase()}@somewhere.example`, id, 'By swaks');
  }
});

test('a wrong signature gets AWS\'s error, a wrong Region is told ours', async () => {
  const command = new SendEmailV2Command({
    FromEmailAddress: FROM, Destination: { ToAddresses: ['x@somewhere.example'] },
    Content: { Simple: { Subject: { Data: 's' }, Body: { Text: { Data: 't' } } } },
  });
  const { credentials } = server.aws;
  const wrong = { ...server.aws, credentials: { ...credentials, secretAccessKey: 'not the secret' } };
  await assert.rejects(new SESv2Client(wrong).send(command), (error) => /SignatureDoesNotMatch/.test(error.name) && error.$metadata.httpStatusCode === 403);
  const unknown = { ...server.aws, credentials: { ...credentials, accessKeyId: 'AKIAAAAAAAAAAAAAAAAA' } };
  await assert.rejects(new SESv2Client(unknown).send(command), { name: 'UnrecognizedClientException' });
  await assert.rejects(new SESClient(unknown).send(new SendRawEmailCommand({ RawMessage: { Data: Buffer.from('From: a@b.c\r\n\r\n') } })), { name: 'InvalidClientTokenId' });
  await assert.rejects(new SESv2Client({ ...server.aws, region: 'eu-central-1' }).send(command), /us-east-1/);
  const unsigned = await fetch(`${server.url}/v2/email/account`);
  assert.equal(unsigned.status, 403);
});
