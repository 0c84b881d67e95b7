// What the server answers, as docs/compat/api.md describes it. Times are ISO 8601 UTC.

import { request } from './http';

export type MailState =
  | 'unknown' | 'sent' | 'no_news' | 'delayed' | 'accepted' | 'captured' | 'relayed' | 'opened' | 'clicked'
  | 'refused' | 'returned' | 'complained' | 'suppressed' | 'rejected' | 'rendering_failed';

export interface TimelineEntry {
  id: string;
  type: string;
  timestamp: string;
  text: string;
  server_words?: string;
  verified?: string;
}

export interface Mail {
  message_id: string;
  recipient: string;
  subject?: string;
  from?: string;
  configuration_set?: string;
  recipients_count: number;
  state: MailState;
  headline: string;
  sentence: string;
  advice?: string;
  who_must_act?: string;
  server_words?: string;
  captured: boolean;
  requested_at: string;
  acceptance_ms?: number;
  timeline: TimelineEntry[];
}

export interface Answer {
  asked: string;
  now: string;
  found: boolean;
  summary: string;
  mails_count: number;
  mails: Mail[];
  store: {
    events: number;
    first_event_at?: string;
    last_event_taken_at?: string;
    writable: boolean;
    not_writable_because?: string;
  };
  near?: { address: string; mails: number };
  incomplete: boolean;
  damage: string[];
}

export interface StoredEvent {
  id: string;
  timestamp: string;
  message?: string;
  attributes: Record<string, unknown>;
}

export interface MailDetail {
  mails: Mail[];
  events: StoredEvent[];
}

export interface CapturedMail {
  message_id: string;
  captured_at: string;
  from: string;
  recipients: string[];
  subject: string;
  headers: { name: string; value: string }[];
  text: string;
  has_html: boolean;
  bytes: number;
}

export interface ServerStatus {
  ready: boolean;
  version: string;
  warnings: string[];
}

export interface SavedView {
  id: string;
  name: string;
  description?: string;
  search: string;
  from: string;
  to: string;
  columns: string[];
  facets: string[];
  sort: string;
}

// An event as Datadog's search gives it.
export interface Log {
  id: string;
  attributes: {
    timestamp: string;
    message?: string;
    status?: string;
    service?: string;
    host?: string;
    tags?: string[];
    attributes: Record<string, unknown>;
  };
}

export interface Screen {
  data: {
    count: number;
    facets: { facet: string; values: { value: string; count: number }[] }[];
  };
  meta: { status: 'done' | 'timeout'; warnings?: { title: string; detail: string }[] };
}

const BASE = '/api/v2/postglass';

export const session = () => request<{ user: string }>('GET', `${BASE}/session`);
export const logIn = (user: string, password: string) =>
  request<{ user: string }>('POST', `${BASE}/login`, { user, password });
export const logOut = () => request<object>('POST', `${BASE}/logout`, {});
export const answer = (question: string) =>
  request<Answer>('GET', `${BASE}/answer?address=${encodeURIComponent(question)}`);
export const mail = (id: string) => request<MailDetail>('GET', `${BASE}/mails/${encodeURIComponent(id)}`);
export const captured = (id: string) =>
  request<CapturedMail>('GET', `${BASE}/captured/${encodeURIComponent(id)}`);
export const capturedHtmlUrl = (id: string) => `${BASE}/captured/${encodeURIComponent(id)}/html`;
export const capturedRawUrl = (id: string) => `${BASE}/captured/${encodeURIComponent(id)}/raw`;
export const status = () => request<ServerStatus>('GET', `${BASE}/status`);
export const view = (id: string) => request<SavedView>('GET', `${BASE}/views/${encodeURIComponent(id)}`);
const filterOf = (view: SavedView) => ({ query: view.search, from: view.from, to: view.to });
export const rowsOf = (view: SavedView, limit: number) =>
  request<{ data: Log[] }>('POST', `${BASE}/search`, { filter: filterOf(view), sort: view.sort, page: { limit } });
export const screenOf = (view: SavedView) =>
  request<Screen>('POST', `${BASE}/explore`, {
    filter: filterOf(view), rows: { limit: 0 }, facets: view.facets.map((facet) => ({ facet, limit: 10 })),
  });
