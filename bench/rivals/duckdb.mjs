// duckdb.mjs CORPUS.ndjson.zst QUESTIONS.json FOLDER: a bulk load into a file, then the queries; in
// process, two threads.

import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { DuckDBInstance } from '@duckdb/node-api';

import { measureLoad, measureQueries, queriesIn, Rows } from './rows.mjs';

const [corpus, questions, folder] = process.argv.slice(2);
const ask = JSON.parse(readFileSync(questions, 'utf8'));
const rows = new Rows('duckdb', ask.events);
const file = join(folder, 'events.duckdb');
for (const path of [file, `${file}.wal`]) rmSync(path, { force: true });

// All paths in one parse of the event.
const paths = [
  '$.eventType', '$.mail.messageId', '$.mail.commonHeaders.subject', '$.mail.tags.tenant[0]',
  '$.mail.tags.template[0]', '$.mail.tags."ses:configuration-set"[0]', '$.mail.tags."ses:source-ip"[0]',
  '$.delivery.processingTimeMillis', '$.bounce.bounceType', '$.mail.destination', '$.mail.timestamp',
  '$.delivery.timestamp', '$.bounce.timestamp', '$.open.timestamp', '$.click.timestamp',
  '$.complaint.timestamp', '$.deliveryDelay.timestamp',
];
const load = `
  CREATE TABLE events AS
  SELECT coalesce(v[12], v[13], v[14], v[15], v[16], v[17], v[11])::TIMESTAMP AS ts, v[1] AS event_type,
    v[2] AS message_id, v[3] AS subject, v[4] AS tenant, v[5] AS template, v[6] AS configuration_set,
    v[7] AS source_ip, v[8]::INTEGER AS processing_ms, v[9] AS bounce_type,
    from_json(v[10], '["VARCHAR"]') AS destination,
    CASE v[1] WHEN 'Delivery' THEN 'ok' WHEN 'DeliveryDelay' THEN 'warn'
      WHEN 'Bounce' THEN CASE v[9] WHEN 'Permanent' THEN 'error' ELSE 'warn' END
      WHEN 'Send' THEN 'info' WHEN 'Open' THEN 'info' WHEN 'Click' THEN 'info' ELSE 'error' END AS status,
    raw
  FROM (SELECT json_extract_string(json, [${paths.map((p) => `'${p}'`).join(', ')}]) AS v,
               json::VARCHAR AS raw
        FROM read_ndjson_objects('${corpus}'))`;

const each = (where) => `(SELECT event_type, unnest(destination) AS address FROM events ${where})`;
const dialect = {
  wholeWords: false,
  has: (address) => `list_contains(destination, '${address}')`,
  text: (words) => `contains(lower(raw), '${words}')`,
  topRecipients: (where) =>
    `SELECT address, count(*) AS n FROM ${each(where)} GROUP BY 1 ORDER BY n DESC LIMIT 10`,
  topDomains: () =>
    `SELECT split_part(address, '@', 2) AS domain, count(*) AS n FROM ${each('')} GROUP BY 1 ORDER BY n DESC LIMIT 10`,
  hours: () => "SELECT date_trunc('hour', ts) AS hour, event_type, count(*) FROM events GROUP BY 1, 2",
  percentiles: () =>
    `SELECT date_trunc('day', ts) AS day, avg(processing_ms), quantile_cont(processing_ms, [0.5, 0.95, 0.99])
     FROM events WHERE processing_ms IS NOT NULL GROUP BY 1`,
  bounceRate: () =>
    `SELECT split_part(address, '@', 2) AS domain, count(*) AS n, count(*) FILTER (event_type = 'Bounce')
     FROM ${each('')} GROUP BY 1 ORDER BY n DESC LIMIT 20`,
  regex: (pattern) => `regexp_matches(subject, '${pattern}')`,
  time: (ms) => `make_timestamp(${ms}000)`,
};

const instance = await DuckDBInstance.create(file, { threads: '2', memory_limit: '8GB' });
const connection = await instance.connect();
const run = async (sql) => (await connection.runAndReadAll(sql)).getRows();
await measureLoad(rows, async () => {
  await run(load);
  await run('CHECKPOINT');
}, () => statSync(file).size);
await measureQueries(rows, queriesIn(dialect, ask), run);
process.exit(rows.wrong ? 1 : 0);
