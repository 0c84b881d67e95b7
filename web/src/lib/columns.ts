// What a column of a saved view shows of an event: the values at a path, as the search finds them.

import type { Log } from './api';

function textOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

// A key may hold dots itself, so every way to cut the path is tried; arrays leave no trace in it.
function collect(value: unknown, path: string, out: string[]): void {
  if (Array.isArray(value)) {
    for (const element of value) collect(element, path, out);
  } else if (path === '') {
    if (value !== null && value !== undefined) out.push(textOf(value));
  } else if (value !== null && typeof value === 'object') {
    for (const [key, member] of Object.entries(value)) {
      if (key === path) collect(member, '', out);
      else if (path.startsWith(`${key}.`)) collect(member, path.slice(key.length + 1), out);
    }
  }
}

export function columnText(log: Log, column: string): string {
  const { attributes, tags = [], ...reserved } = log.attributes;
  if (column === 'tags') return tags.join(', ');
  const out: string[] = [];
  if (column.startsWith('@')) {
    collect(attributes, column.slice(1), out);
  } else if (column in reserved) {
    collect(reserved, column, out);
  } else {
    for (const tag of tags) {
      if (tag.startsWith(`${column}:`)) out.push(tag.slice(column.length + 1));
    }
  }
  return out.join(', ');
}
