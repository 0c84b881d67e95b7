// The manual page and the completions tell of the very commands and options that the program takes.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { BINARY, cleanEnvironment } from '../lib/server.mjs';

const run = (...args) => execFileSync(BINARY, args, { env: cleanEnvironment(), encoding: 'utf8' });
let directory;
let script;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'postglass-completion-'));
  script = join(directory, 'postglass.bash');
  writeFileSync(script, run('completion', 'bash'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

// What bash offers behind these words; the last one is being typed.
function complete(...words) {
  const quoted = ['postglass', ...words].map((word) => `'${word}'`).join(' ');
  const text = execFileSync('bash', ['--norc', '-c',
    `source ${script}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _postglass; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ], { encoding: 'utf8' });
  return text.split('\n').filter(Boolean);
}

const isFlag = (word) => word.startsWith('-');

// Every command with the words that lead to it, as completion tells them.
function* commands(path = []) {
  for (const word of complete(...path, '').filter((each) => !isFlag(each))) {
    const inner = [...path, word];
    // A word that is a value and no command has no help of its own.
    let help;
    try { help = run(...inner, '--help'); } catch { continue; }
    if (!help.includes(`postglass ${inner.join(' ')} [OPTIONS]`) && !help.includes(inner.join(' '))) continue;
    yield { path: inner, help };
    if (help.includes('SUBCOMMAND')) yield* commands(inner);
  }
}

test('completion offers the flags that each command takes, and no others', () => {
  const all = [...commands()];
  const names = all.map(({ path }) => path.join(' '));
  for (const name of ['serve', 'search', 'tail', 'facets', 'top', 'hist', 'answer', 'mail', 'export', 'import', 'keys create', 'completion']) {
    assert.ok(names.includes(name), `${name} is offered`);
  }
  const listed = [...run('--help').matchAll(/^ {2}([a-z]+) {2,}/gm)].map((match) => match[1]);
  for (const name of listed) assert.ok(names.includes(name), `${name} is offered`);
  for (const { path, help } of all) {
    const offered = complete(...path, '-').filter(isFlag).sort();
    const taken = [...new Set(help.match(/(?<=^ {2}|, ?)--?[a-z][a-z-]*/gm))].sort();
    assert.deepEqual(offered, taken, path.join(' '));
  }
});

test('the values of an option are offered behind it', () => {
  assert.deepEqual(complete('export', '--format', ''), ['ndjson', 'csv']);
  assert.deepEqual(complete('export', '--format', 'c'), ['csv']);
  assert.deepEqual(complete('keys', 'create', 'ap'), ['api', 'application']);
  assert.deepEqual(complete('search', '--limit', ''), []);
  assert.deepEqual(complete('ser'), ['serve']);
  assert.deepEqual(complete('search', '@a:b', '--js'), ['--json']);
});

test('the manual page tells every command and every option', () => {
  const page = run('man').replaceAll('\\-', '-');
  for (const { path } of commands()) {
    const heading = new RegExp(`^\\.SS postglass ${path.join(' ')}( |$)`, 'm');
    assert.match(page, heading);
    const section = page.slice(page.search(heading)).split(/^\.S[SH] /m)[1];
    for (const flag of complete(...path, '-').filter(isFlag)) assert.ok(section.includes(flag), `${path.join(' ')} ${flag}`);
  }
  assert.match(page, /mail\.mode/);
  assert.match(page, /^\.SH NAME\npostglass - /m);
});

test('the completion of zsh tells the same commands', () => {
  const text = run('completion', 'zsh');
  assert.match(text, /^#compdef postglass\n/);
  for (const { path } of commands()) assert.ok(text.includes(`'${path.at(-1)}:`), path.join(' '));
});
