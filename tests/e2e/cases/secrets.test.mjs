// A secret in a mail's link is found in no file of the data directory, also after decoding what is there;
// with masking off the same search finds it, so the search can find.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';

import { withServer } from '../lib/server.mjs';

const SECRET = 'b7Qz19fKx0LmW4vTtR8sYp3NcD6hJ2eG';
const LINK = `https://accounts.example.com/reset-password?token=${SECRET}`;

function files(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

async function sendAndLook(server) {
  const ses = new SESv2Client(server.aws);
  await ses.send(new SendEmailCommand({
    FromEmailAddress: 'a@example.com', Destination: { ToAddresses: ['success@simulator.amazonses.com'] },
    Content: { Simple: { Subject: { Data: `Reset: ${LINK}` }, Body: { Text: { Data: LINK }, Html: { Data: `<a href="${LINK}">x</a>` } } } },
  }));
  const events = await server.events('@mail.destination:success@simulator.amazonses.com', 2);
  // What every reader sees, decoded by the server itself: each stored event in whole.
  const decoded = JSON.stringify(events);
  await server.terminate();
  const raw = files(server.data).some((path) => readFileSync(path).includes(SECRET));
  // Every record of every journal and every block of every segment, decompressed.
  const dump = await server.cli('inspect', '--data', server.data, '--decode');
  assert.equal(dump.code, 0, dump.stderr);
  assert.ok(dump.stdout.includes('success@simulator.amazonses.com'), 'the decoding decodes');
  return { decoded: decoded.includes(SECRET), raw, dumped: dump.stdout.includes(SECRET), subject: events[0].attributes.attributes.mail.commonHeaders.subject };
}

test('masked by default', withServer({}, async (server) => {
  const found = await sendAndLook(server);
  assert.deepEqual([found.decoded, found.raw, found.dumped], [false, false, false]);
  assert.match(found.subject, /^Reset: https:\/\/accounts\.example\.com\/reset-password/);
}));

test('with masking off the same search finds it', withServer({ set: { 'intake.masking': 'false' } }, async (server) => {
  const found = await sendAndLook(server);
  assert.deepEqual([found.decoded, found.dumped], [true, true]);
}));
