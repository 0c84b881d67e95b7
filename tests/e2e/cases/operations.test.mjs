// What an operator meets: init, restart, ports, bad options, shutdown, the terminal commands.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Server, withServer } from '../lib/server.mjs';

let server;
before(async () => { server = await Server.start(); });
after(async () => { await server.stop(); });

test('init prints the credentials once, in the stated form', async () => {
  const { aws, smtp, api_key, application_key, admin } = server.credentials;
  assert.match(aws.access_key_id, /^AKIA[A-Z2-7]{16}$/);
  assert.equal(aws.secret_access_key.length, 40);
  assert.deepEqual([aws.region, aws.account_id], ['us-east-1', '000000000000']);
  assert.equal(smtp.user, aws.access_key_id);
  assert.equal(Buffer.from(smtp.password, 'base64')[0], 4);
  assert.match(api_key, /^[0-9a-f]{32}$/);
  assert.match(application_key, /^[0-9a-f]{40}$/);
  assert.ok(admin.user && admin.password);
  const again = await server.cli('init', '--data', server.data, '--json');
  assert.notEqual(again.code, 0, 'a second init does not print them again');
});

test('secrets on disk are readable by the owner alone', () => {
  for (const name of ['secret.key', 'cli.key', 'postglass.db']) {
    assert.equal(statSync(join(server.data, name)).mode & 0o077, 0, name);
  }
});

test('init takes region and account, and --bare makes no resources', async () => {
  const data = mkdtempSync(join(tmpdir(), 'postglass-e2e-'));
  try {
    const made = await server.cli('init', '--data', data, '--json', '--region', 'eu-west-1', '--account', '123456789012', '--bare');
    assert.equal(made.code, 0, made.stderr);
    assert.equal(JSON.parse(made.stdout).aws.region, 'eu-west-1');
    assert.equal(JSON.parse(made.stdout).aws.account_id, '123456789012');
  } finally {
    rmSync(data, { recursive: true });
  }
});

test('mistakes end with one line that says what to do', async () => {
  const file = join(server.data, 'bad.toml');
  writeFileSync(file, '[mail]\nsandbx = true\n');
  const newer = mkdtempSync(join(tmpdir(), 'postglass-e2e-'));
  writeFileSync(join(newer, 'format'), '99\n');
  const cases = [
    [['serve', '--data', server.data], 3, /in use/],
    [['serve', '--data', newer], 3, /newer/],
    [['serve', '--data', '/proc/postglass'], 3, /postglass/],
    [['serve', '--data', newer, '--http', 'nowhere'], 2, /nowhere/],
    [['serve', '--data', newer, '--set', 'mail.sandbx=true'], 2, /mail\.sandbox/],
    [['serve', '--data', newer, '--config', file], 2, /bad\.toml.*mail\.sandbox/],
    [['serve', '--frobnicate'], 2, /frobnicate/],
    [['search', '@a:(b', '--data', server.data], 2, /./],
  ];
  for (const [args, code, pattern] of cases) {
    const result = await server.cli(...args);
    assert.equal(result.code, code, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, pattern);
    assert.equal(result.stderr.trim().split('\n').length, 1, result.stderr);
  }
  rmSync(newer, { recursive: true });
});

test('make hands the program no variable that it would refuse', () => {
  const root = new URL('../../..', import.meta.url).pathname;
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(POSTGLASS_|MAKE|MFLAGS)/.test(name)));
  const shown = execFileSync(
    'make', ['-s', '-C', root, '--eval', 'environment: ; @env', 'environment'], { env, encoding: 'utf8' });
  assert.doesNotMatch(shown, /^POSTGLASS_/m, 'each names an option, or make run ends at once');
});

test('a taken port is named', async () => {
  const data = mkdtempSync(join(tmpdir(), 'postglass-e2e-'));
  const result = await server.cli('serve', '--data', data, '--http', `127.0.0.1:${server.port}`,
    '--https', '127.0.0.1:0', '--smtp', '127.0.0.1:0', '--smtps', '127.0.0.1:0');
  assert.equal(result.code, 3, result.stderr);
  assert.match(result.stderr, new RegExp(`${server.port}.*(in use|taken)`));
  rmSync(data, { recursive: true });
});

test('send, answer, search and doctor on the terminal', async () => {
  const sent = await server.cli('send', '--to', 'terminal@somewhere.example', '--template', 'reset', '--data', server.data);
  assert.equal(sent.code, 0, sent.stderr);
  await server.events('@mail.destination:terminal@somewhere.example', 2);
  const answer = await server.cli('answer', 'Terminal@Somewhere.example', '--data', server.data);
  assert.equal(answer.code, 0, answer.stderr);
  assert.match(answer.stdout, /Reset your password/);
  assert.match(answer.stdout, /Captured on this machine; it never left for somewhere\.example/);
  assert.equal((await server.cli('answer', 'nobody@nowhere.example', '--data', server.data)).code, 1);
  const search = await server.cli('search', '@mail.destination:terminal@somewhere.example', '--json', '--data', server.data);
  assert.equal(search.code, 0);
  assert.equal(search.stdout.trim().split('\n').map((line) => JSON.parse(line)).length, 2);
  assert.equal((await server.cli('search', '@no:thing', '--data', server.data)).code, 1);
  const remote = await server.cli('search', '*', '--limit', '1', '--json', '--url', server.url,
    '--api-key', server.credentials.api_key, '--application-key', server.credentials.application_key);
  assert.equal(remote.code, 0, remote.stderr);
  const doctor = await server.cli('doctor', '--data', server.data);
  assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
  assert.match(doctor.stdout, /seen after \d+ ms/);
  assert.doesNotMatch(doctor.stdout, /not seen/);
});

test('help names every command and every option', async () => {
  const help = await server.cli('help');
  assert.equal(help.code, 0);
  for (const name of ['serve', 'demo', 'init', 'search', 'tail', 'answer', 'send', 'users', 'keys', 'doctor', 'forwarder']) {
    assert.match(help.stdout, new RegExp(`\\b${name}\\b`));
  }
  assert.match((await server.cli('help', 'options')).stdout, /hooks\.sns\.max_age/);
});

test('SIGTERM drains, ends with 0 and takes listening.json away; a new start finds everything', withServer({}, async (own) => {
  const sent = await own.cli('send', '--to', 'kept@somewhere.example', '--data', own.data);
  assert.equal(sent.code, 0, sent.stderr);
  await own.events('@mail.destination:kept@somewhere.example', 2);
  assert.deepEqual(await own.terminate(), { code: 0, signal: null });
  const offline = await own.cli('answer', 'kept@somewhere.example', '--data', own.data);
  assert.equal(offline.code, 0, `without a server it reads the directory: ${offline.stderr}`);
  await own.launch();
  assert.equal((await own.search('@mail.destination:kept@somewhere.example')).length, 2);
  assert.equal((await own.fetch('/readyz')).status, 200);
}));

test('a damaged database is set aside and named', withServer({}, async (own) => {
  await own.terminate();
  writeFileSync(join(own.data, 'postglass.db'), 'this is no database');
  for (const suffix of ['-wal', '-shm']) rmSync(join(own.data, `postglass.db${suffix}`), { force: true });
  await own.launch();
  assert.match(own.log, /postglass\.db.*(damaged|set aside)/);
}));

test('a key revoked is refused at once, a user can be replaced', async () => {
  const made = await server.cli('keys', 'create', 'api', '--name', 'temporary', '--data', server.data, '--json');
  const { key } = JSON.parse(made.stdout);
  const validate = () => fetch(`${server.url}/api/v1/validate`, { headers: { 'DD-API-KEY': key } });
  assert.equal((await validate()).status, 200);
  assert.equal((await server.cli('keys', 'revoke', key, '--data', server.data)).code, 0);
  assert.equal((await validate()).status, 403);
  const password = await server.cli('users', 'password', 'admin', '--data', server.data, '--json');
  assert.equal(password.code, 0, password.stderr);
  server.credentials.admin.password = JSON.parse(password.stdout).password;
  const login = await fetch(`${server.url}/api/v2/postglass/login`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(server.credentials.admin),
  });
  assert.equal(login.status, 200);
});

test('the data directory is not served', async () => {
  for (const path of ['/../secret.key', '/%2e%2e/secret.key', '/assets/../../secret.key', '/cli.key']) {
    const response = await fetch(server.url + path);
    const body = await response.text();
    assert.ok(!body.includes(readFileSync(join(server.data, 'cli.key'), 'utf8').trim()), path);
  }
  assert.ok(existsSync(join(server.data, 'cli.key')));
});

test('our certificate is believed with our CA and not without', () => {
  const { port } = new URL(server.httpsUrl);
  execFileSync('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', server.ca, '-verify_return_error', '-brief'], { input: '', stdio: ['pipe', 'ignore', 'ignore'] });
  assert.throws(() => execFileSync('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-verify_return_error', '-brief'], { input: '', stdio: ['pipe', 'ignore', 'ignore'] }));
});
