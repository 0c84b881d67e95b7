// What the page shows is in the address after '#', so that it can be pasted to a colleague:
// #/answer/alice%40example.com, #/captured/<message id>, #/view/<id of a saved view>.

export type Route =
  | { page: 'home' }
  | { page: 'answer'; question: string }
  | { page: 'captured'; messageId: string }
  | { page: 'view'; id: string };

export function parseRoute(hash: string): Route {
  const [, page, argument] = /^#\/([a-z]+)\/(.+)$/.exec(hash) ?? [];
  if (!page || !argument) return { page: 'home' };
  let value: string;
  try {
    value = decodeURIComponent(argument);
  } catch {
    return { page: 'home' };
  }
  if (page === 'answer') return { page, question: value };
  if (page === 'captured') return { page, messageId: value };
  if (page === 'view') return { page, id: value };
  return { page: 'home' };
}

export function routeHash(route: Route): string {
  switch (route.page) {
    case 'home': return '#/';
    case 'answer': return `#/answer/${encodeURIComponent(route.question)}`;
    case 'view': return `#/view/${encodeURIComponent(route.id)}`;
    case 'captured': return `#/captured/${encodeURIComponent(route.messageId)}`;
  }
}
