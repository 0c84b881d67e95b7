import { expect, test } from 'vitest';

import { parseRoute, routeHash, type Route } from './route';

test.each<Route>([
  { page: 'home' },
  { page: 'answer', question: 'Alice Ä <a+b@example.com>/100%' },
  { page: 'captured', messageId: '0100-abc-000000' },
  { page: 'view', id: 'password-resets' },
])('a route survives its address: %j', (route) => {
  expect(parseRoute(routeHash(route))).toEqual(route);
});

test.each(['', '#', '#/answer/', '#/nowhere/x', '#/answer/%E0%A4%A'])('%s leads home', (hash) => {
  expect(parseRoute(hash)).toEqual({ page: 'home' });
});
