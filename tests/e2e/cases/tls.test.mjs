// TLS as strangers try it: old versions, renegotiation, odd server names, HTTP/2. Refused or harmless, and the
// server goes on.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';

import { Server } from '../lib/server.mjs';

let server;
let doors;  // [name, port, what openssl needs to get to TLS]
before(async () => {
  server = await Server.start();
  const port = (address) => address.split(':').at(-1);
  doors = [
    ['https', port(server.listening.https), []],
    ['smtps', port(server.listening.smtps), []],
    ['smtp', port(server.listening.smtp), ['-starttls', 'smtp']],
  ];
});
after(() => server?.stop());

// What openssl's client says; `input` is written once it is connected, which ends with the connection.
const openssl = (port, args, input) => new Promise((resolve) => {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let asked = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (piece) => {
      said += piece;
      if (asked || !/Verify return code/.test(said)) return;
      asked = true;
      if (input === undefined) child.stdin.end();
      else child.stdin.write(input);
    });
  }
  child.stdin.on('error', () => {});
  child.on('exit', (code) => resolve({ code, said }));
});
const alive = async () => assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
const handshake = (options) => new Promise((resolve, reject) => {
  const socket = connect({ host: '127.0.0.1', port: doors[0][1], rejectUnauthorized: false, ...options }, () => {
    const { alpnProtocol } = socket;
    const subject = socket.getPeerCertificate().subject?.CN;
    socket.destroy();
    resolve({ alpnProtocol, subject });
  });
  socket.on('error', reject);
});

test('old versions are refused on every door', async () => {
  for (const [name, port, args] of doors) {
    for (const version of ['-tls1', '-tls1_1']) {
      const { code, said } = await openssl(port, [...args, version, '-cipher', 'ALL:@SECLEVEL=0']);
      assert.notEqual(code, 0, `${name} ${version}`);
      assert.doesNotMatch(said, /Cipher is (?!\(NONE\))/, `${name} ${version}`);
    }
    const { said } = await openssl(port, [...args, '-tls1_2']);
    assert.match(said, /Cipher is (?!\(NONE\))/, name);
  }
  await alive();
});

test('nobody renegotiates', async () => {
  for (const [name, port, args] of doors) {
    const { said } = await openssl(port, [...args, '-tls1_2'], 'R\n');
    assert.match(said, /RENEGOTIATING/, name);
    assert.match(said, /no renegotiation|handshake failure|unexpected message|:error:/i, name);
  }
  await alive();
});

test('any server name gets the one certificate, and HTTP/2 is not offered', async () => {
  const plain = await handshake({});
  for (const servername of ['localhost', 'elsewhere.example', `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.example`]) {
    assert.equal((await handshake({ servername })).subject, plain.subject);
  }
  for (const ALPNProtocols of [['h2'], ['h2', 'http/1.1']]) {
    const { alpnProtocol } = await handshake({ ALPNProtocols }).catch(() => ({ alpnProtocol: false }));
    assert.notEqual(alpnProtocol, 'h2');
  }
  await alive();
});
