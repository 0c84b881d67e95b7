// kill -9 under load: every mail that got its 200 or 250 and every log that got its 202 is there
// exactly once. POSTGLASS_TEST_LOOPS says how often.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { readFileSync } from 'node:fs';
import nodemailer from 'nodemailer';

import { Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const LOOPS = Number(process.env.POSTGLASS_TEST_LOOPS ?? 30);
const CLIENTS = 6;

// Sends by all doors until the server goes; returns what was acknowledged.
async function load(server, round, killAfter) {
  const acknowledged = { mails: [], logs: [] };
  let done = 0;
  let gone = false;
  const ses = new SESv2Client(server.aws);
  const [host, port] = server.listening.smtp.split(':');
  const smtp = nodemailer.createTransport({
    host, port: Number(port), pool: true, maxConnections: 2, requireTLS: true,
    auth: { user: server.credentials.smtp.user, pass: server.credentials.smtp.password },
    tls: { ca: readFileSync(server.ca) },
  });
  const doors = [
    async (i) => {
      const { MessageId } = await ses.send(new SendEmailCommand({
        FromEmailAddress: 'a@example.com', Destination: { ToAddresses: [`r${round}-${i}@kill.example`] },
        Content: { Simple: { Subject: { Data: 'Kill' }, Body: { Text: { Data: 'x' } } } },
      }));
      acknowledged.mails.push(MessageId);
    },
    async (i) => {
      const info = await smtp.sendMail({ from: 'a@example.com', to: `s${round}-${i}@kill.example`, subject: 'Kill', text: 'x' });
      acknowledged.mails.push(/250 Ok (\S+)/.exec(info.response)[1]);
    },
    async (i) => {
      const marker = `log-${round}-${i}`;
      const response = await server.fetch('/api/v2/logs', {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify([{ service: 'kill', marker }]),
      });
      if (response.status === 202) acknowledged.logs.push(marker);
    },
  ];
  const client = async (own) => {
    for (let i = own; !gone; i += CLIENTS) {
      try {
        await doors[own % doors.length](i);
        done += 1;
        if (done === killAfter) server.child.kill('SIGKILL');
      } catch {
        if (server.child.killed || server.child.exitCode !== null) return;
      }
    }
  };
  const clients = Array.from({ length: CLIENTS }, (_, own) => client(own));
  await server.exited;
  gone = true;
  smtp.close();
  await Promise.all(clients);
  return acknowledged;
}

test(`killed ${LOOPS} times under load`, { timeout: 3_600_000 }, async () => {
  const server = await Server.start();
  try {
    const mails = [];
    const logs = [];
    for (let round = 0; round < LOOPS; ++round) {
      const acknowledged = await load(server, round, 5 + ((round * 37) % 90));
      mails.push(...acknowledged.mails);
      logs.push(...acknowledged.logs);
      await server.launch();
    }
    assert.ok(mails.length > LOOPS && logs.length > LOOPS, 'the load did something');
    const all = async (query) => {
      const rows = [];
      let cursor;
      do {
        const response = await server.fetch('/api/v2/logs/events/search', {
          method: 'POST', headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ filter: { query, from: 'now-1d', to: 'now+1h' }, page: { limit: 1000, ...(cursor ? { cursor } : {}) } }),
        });
        const page = await response.json();
        rows.push(...page.data);
        cursor = page.data.length > 0 ? page.meta?.page?.after : undefined;
      } while (cursor);
      return rows;
    };
    const count = (rows, key) => {
      const counts = new Map();
      for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
      return counts;
    };
    await eventually('every acknowledged mail has its Send event', async () => {
      const sends = count(await all('@eventType:Send'), (r) => r.attributes.attributes.mail.messageId);
      return mails.every((id) => sends.has(id));
    }, { limitMs: 180_000, detail: () => server.log.slice(-3000) });
    const sends = count(await all('@eventType:Send'), (r) => r.attributes.attributes.mail.messageId);
    const markers = count(await all('service:kill'), (r) => r.attributes.attributes.marker);
    for (const id of mails) assert.equal(sends.get(id), 1, `Send of ${id}`);
    for (const marker of logs) assert.equal(markers.get(marker), 1, `log ${marker}`);
    await eventually('every acknowledged mail has its Delivery', async () => {
      const deliveries = count(await all('@eventType:Delivery'), (r) => r.attributes.attributes.mail.messageId);
      return mails.every((id) => deliveries.get(id) === 1);
    }, { limitMs: 180_000 });
  } finally {
    await server.stop();
  }
});
