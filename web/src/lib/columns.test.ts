import { expect, test } from 'vitest';

import type { Log } from './api';
import { columnText } from './columns';

const log: Log = {
  id: 'AQAA',
  attributes: {
    timestamp: '2027-01-15T08:00:00.000Z',
    status: 'error',
    service: 'mail',
    tags: ['env:prod', 'env:blue', 'canary'],
    attributes: {
      mail: { destination: ['a@b.c', 'd@e.f'], 'a.b': { c: 0 } },
      bounce: { bouncedRecipients: [{ status: '5.1.1' }, { status: null }, {}] },
      empty: '',
    },
  },
};

test.each([
  ['timestamp', '2027-01-15T08:00:00.000Z'],
  ['status', 'error'],
  ['host', ''],
  ['tags', 'env:prod, env:blue, canary'],
  ['env', 'prod, blue'],
  ['canary', ''],
  ['@mail.destination', 'a@b.c, d@e.f'],
  ['@mail.a.b.c', '0'],
  ['@bounce.bouncedRecipients.status', '5.1.1'],
  ['@bounce', '{"bouncedRecipients":[{"status":"5.1.1"},{"status":null},{}]}'],
  ['@empty', ''],
  ['@none.such', ''],
])('%s shows %j', (column, text) => {
  expect(columnText(log, column)).toBe(text);
});
