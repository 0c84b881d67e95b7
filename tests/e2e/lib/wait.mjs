// The only place that waits: for a condition, never for a time.

import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 25;

// Calls `probe` until it gives something truthy, which is returned. An error of the probe is shown when
// the limit passes; one with `final` set ends the wait at once.
export async function eventually(what, probe, { limitMs = 60_000, detail = () => '' } = {}) {
  const deadline = performance.now() + limitMs;
  let last;
  for (;;) {
    try {
      const result = await probe();
      if (result) return result;
      last = undefined;
    } catch (error) {
      if (error.final) throw error;
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${limitMs} ms in vain: ${what}${last ? `; last error: ${last.message}` : ''}\n${detail()}`);
    }
    await pause(POLL_MS);
  }
}
