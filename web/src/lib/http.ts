// Requests to the server this page came from. The session is a cookie that scripts cannot read.

export class HttpError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

function errorText(status: number, body: unknown): string {
  if (body && typeof body === 'object' && 'errors' in body && Array.isArray(body.errors)) {
    const first: unknown = body.errors[0];
    if (typeof first === 'string') return first;
    if (first && typeof first === 'object' && 'detail' in first) return String(first.detail);
  }
  return `The server answered ${status}.`;
}

export async function request<T>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new HttpError(0, 'The server does not answer. Is it running?');
  }
  const text = await response.text();
  let parsed: unknown;
  try {
    parsed = text ? JSON.parse(text) : {};
  } catch {
    parsed = undefined;
  }
  if (!response.ok) throw new HttpError(response.status, errorText(response.status, parsed));
  return parsed as T;
}
