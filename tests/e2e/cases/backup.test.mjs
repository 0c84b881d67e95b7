// A backup taken while logs arrive holds every log acknowledged before it began, each once, and the
// settings; a damaged one is refused.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { Server, withServer } from '../lib/server.mjs';

const BATCHES_BEFORE = 20;
const LOGS_A_BATCH = 25;

async function submit(server, batch) {
  const logs = Array.from({ length: LOGS_A_BATCH }, (_, i) => ({ service: 'backup', marker: `b${batch}-${i}` }));
  const response = await server.fetch('/api/v2/logs', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(logs),
  });
  assert.equal(response.status, 202);
}

test('a backup under load is restored with everything acknowledged before it', withServer({}, async (server) => {
  const place = mkdtempSync(join(tmpdir(), 'postglass-backup-'));
  let other;
  try {
    for (let batch = 0; batch < BATCHES_BEFORE; ++batch) await submit(server, batch);
    let stop = false;
    let batch = BATCHES_BEFORE;
    const load = (async () => { while (!stop) await submit(server, batch++); })();
    const backup = async () => {
      const { code, stdout, stderr } = await server.cli(
        'backup', '--data', server.data, '--to', join(place, 'backups'), '--json');
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const first = await backup();
    const second = await backup();
    stop = true;
    await load;
    assert.notEqual(first.path, second.path);

    const verified = await server.cli('restore', '--verify', second.path);
    assert.equal(verified.code, 0, verified.stderr);
    const data = join(place, 'restored');
    const restored = await server.cli('restore', second.path, '--data', data);
    assert.equal(restored.code, 0, restored.stderr);
    assert.equal((await server.cli('restore', second.path, '--data', data)).code, 3, 'not over a directory');

    other = new Server(data, {});
    other.credentials = server.credentials;  // the keys came along
    await other.launch();
    const markers = (await other.search('service:backup')).map((event) => event.attributes.attributes.marker);
    assert.equal(new Set(markers).size, markers.length, 'each once');
    for (let b = 0; b < BATCHES_BEFORE; ++b) {
      assert.equal((await other.search(`@marker:b${b}-*`)).length, LOGS_A_BATCH, `batch ${b}`);
    }

    const key = join(second.path, 'secret.key');
    writeFileSync(key, readFileSync(key, 'latin1').split('').reverse().join(''), 'latin1');
    const damaged = await server.cli('restore', second.path, '--data', join(place, 'never'));
    assert.equal(damaged.code, 3);
    assert.match(damaged.stderr, /secret\.key/);
    assert.ok(!existsSync(join(place, 'never')));
  } finally {
    await other?.terminate();
    rmSync(place, { recursive: true, force: true });
  }
}));
