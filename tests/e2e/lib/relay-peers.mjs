// Smart hosts for relay mode: one whose every answer a test decides, and a real Postfix.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';

import { SMTPServer } from 'smtp-server';

import { run } from './server.mjs';
import { eventually } from './wait.mjs';

export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

// A certificate nobody signed, as relays in private networks have them.
export async function makeCertificate(folder, host) {
  const key = join(folder, 'peer.key');
  const cert = join(folder, 'peer.pem');
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
    '-days', '2', '-subj', `/CN=${host}`, '-keyout', key, '-out', cert]);
  return { key, cert };
}

const refusal = ([responseCode, message]) => Object.assign(new Error(message), { responseCode });

// `script` decides, by recipient address: { rcpt: (address, attempt) => [code, words] | 'drop' | undefined,
// data: (addresses) => the same; undefined accepts }. `taken` has what was accepted.
export class ScriptedRelay {
  static async start({ host = 'relay.peer.example', startTls = true, port = 0, ...script } = {}) {
    const relay = new ScriptedRelay();
    const folder = mkdtempSync(join(tmpdir(), 'postglass-relay-'));
    const { key, cert } = await makeCertificate(folder, host);
    relay.attempts = new Map();
    relay.taken = [];
    const drop = (session) => {
      for (const connection of relay.smtp.connections) {
        if (connection.session.id === session.id) connection._socket.destroy();
      }
    };
    relay.smtp = new SMTPServer({
      name: host, key: readFileSync(key), cert: readFileSync(cert), authOptional: true, logger: false,
      disabledCommands: startTls ? ['AUTH'] : ['AUTH', 'STARTTLS'],
      onRcptTo(address, session, done) {
        const attempt = (relay.attempts.get(address.address) ?? 0) + 1;
        relay.attempts.set(address.address, attempt);
        const answer = script.rcpt?.(address.address, attempt);
        if (answer === 'drop') return drop(session);
        return done(answer && refusal(answer));
      },
      async onData(stream, session, done) {
        const raw = await text(stream);
        const recipients = session.envelope.rcptTo.map((recipient) => recipient.address);
        const answer = script.data?.(recipients);
        if (answer === 'drop') return drop(session);
        if (answer) return done(refusal(answer));
        relay.taken.push({ recipients, raw, secure: session.secure });
        return done(null, relay.words(recipients));
      },
    });
    relay.smtp.on('error', () => {});  // of connections that a test dropped
    await new Promise((resolve) => relay.smtp.listen(port, '127.0.0.1', resolve));
    relay.port = relay.smtp.server.address().port;
    rmSync(folder, { recursive: true, force: true });
    return relay;
  }

  words(recipients) { return `2.0.0 Ok: queued as ${recipients.length}-${recipients[0]}`; }

  takenFor(address) { return this.taken.filter((mail) => mail.recipients.includes(address)); }

  stop() { return new Promise((resolve) => this.smtp.close(resolve)); }
}

const MASTER = (port) => `
127.0.0.1:${port} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
`;

const findPostfix = () => `${process.env.PATH}${delimiter}/usr/sbin`.split(delimiter)
  .map((folder) => join(folder, 'postfix')).find((path) => existsSync(path));

// A Postfix of its own: configuration, queue and log in one folder, on a free port of loopback. It takes
// mail and throws it away, but for the addresses it is told to refuse.
export class Postfix {
  // Why there is none here; empty when there is.
  static get missing() {
    if (!findPostfix()) return 'Postfix is not installed (package postfix)';
    if (process.getuid() !== 0) return 'Postfix can only be started by root';
    return '';
  }

  static async start({ host = 'mx.postfix.example', tls = true, refuse = {} } = {}) {
    const postfix = new Postfix();
    // Not below a folder that only its owner may enter: its processes run as user postfix.
    postfix.folder = mkdtempSync('/tmp/postglass-postfix-');
    await run('chmod', ['755', postfix.folder]);
    for (const name of ['etc', 'queue', 'data']) mkdirSync(join(postfix.folder, name));
    await run('chown', ['postfix', join(postfix.folder, 'data')]);
    postfix.port = await freePort();
    postfix.host = host;
    const { key, cert } = await makeCertificate(postfix.folder, host);
    const refusals = Object.entries(refuse).map(([address, words]) => `{ ${address} = ${words} }`).join(' ');
    writeFileSync(join(postfix.folder, 'etc', 'master.cf'), MASTER(postfix.port));
    writeFileSync(join(postfix.folder, 'etc', 'main.cf'), `
compatibility_level = 3.6
queue_directory = ${postfix.folder}/queue
data_directory = ${postfix.folder}/data
maillog_file = ${postfix.folder}/maillog
maillog_file_prefixes = ${postfix.folder}
myhostname = ${host}
mydestination =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
default_transport = discard
smtpd_client_restrictions =
smtpd_recipient_restrictions = ${refusals ? `check_recipient_access inline:{ ${refusals} },` : ''} permit_mynetworks, reject
smtpd_error_sleep_time = 0
smtpd_tls_security_level = ${tls ? 'may' : 'none'}
smtpd_tls_cert_file = ${cert}
smtpd_tls_key_file = ${key}
`);
    postfix.said = '';
    postfix.child = spawn(findPostfix(), ['-c', join(postfix.folder, 'etc'), 'start-fg'], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [postfix.child.stdout, postfix.child.stderr]) {
      stream.on('data', (piece) => { postfix.said += piece; });
    }
    postfix.exited = new Promise((resolve) => postfix.child.on('exit', resolve));
    await eventually('Postfix listens', async () => {
      if (postfix.child.exitCode !== null) throw Object.assign(new Error(`Postfix ended: ${postfix.said}\n${postfix.log}`), { final: true });
      return /daemon started/.test(postfix.log);
    }, { detail: () => postfix.said + postfix.log });
    return postfix;
  }

  get log() {
    const path = join(this.folder, 'maillog');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  async stop() {
    // `start-fg` is a shell that waits for the master process; a signal to it would leave the master.
    const pidFile = join(this.folder, 'queue', 'pid', 'master.pid');
    if (this.child.exitCode === null && existsSync(pidFile)) process.kill(Number(readFileSync(pidFile, 'utf8')), 'SIGTERM');
    await this.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
