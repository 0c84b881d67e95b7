// Starts the real binary on a fresh data directory with free ports, and knows how to reach it.

import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { eventually } from './wait.mjs';

const run = promisify(execFile);

export const BINARY =
  process.env.POSTGLASS_BINARY ?? new URL('../../../build/release/postglass', import.meta.url).pathname;

// Environment of the programs under test: nothing of the caller's configuration leaks in.
function cleanEnvironment(extra = {}) {
  const { PATH, HOME, LANG, ASAN_OPTIONS } = process.env;
  return { PATH, HOME, LANG, ...(ASAN_OPTIONS ? { ASAN_OPTIONS } : {}), ...extra };
}

export class Server {
  // options: { set: {key: value}, args: [...], init: [...] }
  static async start(options = {}) {
    const data = mkdtempSync(join(tmpdir(), 'postglass-e2e-'));
    const server = new Server(data, options);
    const { stdout } = await run(BINARY, ['init', '--data', data, '--json', ...(options.init ?? [])], {
      env: cleanEnvironment(),
    });
    server.credentials = JSON.parse(stdout);
    await server.launch();
    return server;
  }

  constructor(data, options) {
    this.data = data;
    this.options = options;
    this.log = '';
  }

  async launch() {
    const set = Object.entries(this.options.set ?? {}).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const args = [
      'serve', '--data', this.data,
      '--http', '127.0.0.1:0', '--https', '127.0.0.1:0', '--smtp', '127.0.0.1:0', '--smtps', '127.0.0.1:0',
      ...set, ...(this.options.args ?? []),
    ];
    const file = join(this.data, 'listening.json');
    const command = this.options.wrap ? [...this.options.wrap, BINARY] : [BINARY];
    this.child = spawn(command[0], [...command.slice(1), ...args], {
      env: cleanEnvironment(this.options.env), stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (piece) => { this.log = (this.log + piece).slice(-200_000); });
    }
    this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })));
    const own = this.child.pid;
    await eventually('the server listens', () => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw Object.assign(new Error(`the server ended: ${this.log}`), { final: true });
      }
      if (!existsSync(file)) return false;
      this.listening = JSON.parse(readFileSync(file, 'utf8'));
      return this.options.wrap ? true : this.listening.pid === own;
    });
    return this;
  }

  get url() { return this.listening.http; }
  get httpsUrl() { return this.listening.https; }
  get ca() { return join(this.data, 'tls', 'ca.pem'); }
  get port() { return Number(new URL(this.listening.http).port); }
  get region() { return this.credentials.aws.region; }

  // Options for any client of the AWS SDK for JavaScript v3.
  get aws() {
    return {
      endpoint: this.url,
      region: this.region,
      credentials: {
        accessKeyId: this.credentials.aws.access_key_id,
        secretAccessKey: this.credentials.aws.secret_access_key,
      },
      maxAttempts: 1,
    };
  }

  get keys() {
    return {
      'DD-API-KEY': this.credentials.api_key,
      'DD-APPLICATION-KEY': this.credentials.application_key,
    };
  }

  fetch(path, { headers = {}, ...rest } = {}) {
    return fetch(this.url + path, { ...rest, headers: { ...this.keys, ...headers } });
  }

  async search(query, { limit = 1000, from = 'now-1d', to = 'now+1h' } = {}) {
    const response = await this.fetch('/api/v2/logs/events/search', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ filter: { query, from, to }, page: { limit } }),
    });
    if (response.status !== 200) throw new Error(`search ${query}: ${response.status} ${await response.text()}`);
    return (await response.json()).data;
  }

  // Waits until `count` events match (at least), and returns them.
  async events(query, count = 1, options = {}) {
    return eventually(`${count} event(s) for ${query}`, async () => {
      const found = await this.search(query);
      return found.length >= count && found;
    }, { detail: () => this.log.slice(-4000), ...options });
  }

  async metrics() {
    const text = await (await this.fetch('/metrics')).text();
    const values = new Map();
    for (const line of text.split('\n')) {
      if (line.startsWith('#') || !line.trim()) continue;
      const at = line.lastIndexOf(' ');
      values.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
    return values;
  }

  // Sum over all series of the name whose labels contain every given text.
  async metric(name, ...labels) {
    let sum = 0;
    for (const [series, value] of await this.metrics()) {
      if ((series === name || series.startsWith(`${name}{`)) && labels.every((l) => series.includes(l))) sum += value;
    }
    return sum;
  }

  async cli(...args) {
    try {
      const { stdout, stderr } = await run(BINARY, args, { env: cleanEnvironment(), maxBuffer: 64 << 20 });
      return { code: 0, stdout, stderr };
    } catch (error) {
      if (typeof error.code !== 'number') throw error;
      return { code: error.code, stdout: error.stdout, stderr: error.stderr };
    }
  }

  async terminate(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.exited;
  }

  async restart(options = {}) {
    await this.terminate();
    Object.assign(this.options, options);
    return this.launch();
  }

  async stop() {
    await this.terminate();
    rmSync(this.data, { recursive: true, force: true });
  }
}

// A test body with a server of its own, which is stopped whatever happens.
export const withServer = (options, body) => async () => {
  const server = await Server.start(options);
  try {
    await body(server);
  } finally {
    await server.stop();
  }
};

export { run, cleanEnvironment };
