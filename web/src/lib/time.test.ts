import { expect, test } from 'vitest';

import { formatDuration, formatTime } from './time';

test.each([
  [-5, '0 ms'],
  [340, '340 ms'],
  [1900, '1.9 s'],
  [75_000, '1 min 15 s'],
  [7_500_000, '2 h 5 min'],
])('%d ms is %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test('near days have names', () => {
  const noon = new Date(2026, 10, 23, 12).getTime();
  expect(formatTime(noon - 3_600_000, noon)).toMatch(/^today /);
  expect(formatTime(noon - 86_400_000, noon)).toMatch(/^yesterday /);
  expect(formatTime(noon - 40 * 86_400_000, noon)).toContain('2026');
});
