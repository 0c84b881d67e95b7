// chdb.mjs CORPUS.ndjson.zst QUESTIONS.json FOLDER: ClickHouse inside libchdb, a MergeTree ordered by
// time with bloom filters, then the queries; in process, two threads.

import { readFileSync, rmSync } from 'node:fs';

import { Session } from 'chdb';

import { measureLoad, measureQueries, queriesIn, Rows } from './rows.mjs';

const [corpus, questions, folder] = process.argv.slice(2);
const ask = JSON.parse(readFileSync(questions, 'utf8'));
const rows = new Rows('chdb', ask.events);
rmSync(folder, { recursive: true, force: true });
const session = new Session(folder);
const limits = 'SETTINGS max_threads = 2, max_insert_threads = 2';

const table = `
  CREATE TABLE events (
    ts DateTime64(3, 'UTC'), event_type LowCardinality(String), message_id String, subject String,
    tenant LowCardinality(String), template LowCardinality(String),
    configuration_set LowCardinality(String), source_ip LowCardinality(String),
    processing_ms Nullable(UInt32), bounce_type LowCardinality(String), destination Array(String),
    status LowCardinality(String), raw String CODEC(ZSTD(1)),
    INDEX of_message message_id TYPE bloom_filter, INDEX of_destination destination TYPE bloom_filter,
    INDEX words lower(raw) TYPE tokenbf_v1(131072, 3, 0))
  ENGINE = MergeTree ORDER BY ts PARTITION BY toYYYYMM(ts)`;

// One parse of the event.
const at = 'Tuple(timestamp String)';
const shape = `Tuple(eventType String,
  mail Tuple(timestamp String, messageId String, destination Array(String),
    commonHeaders Tuple(subject String),
    tags Tuple(tenant Array(String), template Array(String), \`ses:configuration-set\` Array(String),
      \`ses:source-ip\` Array(String))),
  delivery Tuple(timestamp String, processingTimeMillis Nullable(UInt32)),
  bounce Tuple(timestamp String, bounceType String),
  open ${at}, click ${at}, complaint ${at}, deliveryDelay ${at})`;
const load = `
  INSERT INTO events
  WITH JSONExtract(json, '${shape}') AS e, e.1 AS type, e.2 AS mail
  SELECT parseDateTime64BestEffort(arrayFirst(t -> t != '', [e.3.1, e.4.1, e.5.1, e.6.1, e.7.1, e.8.1,
      mail.1]), 3, 'UTC'),
    type, mail.2, mail.4.1, mail.5.1[1], mail.5.2[1], mail.5.3[1], mail.5.4[1], e.3.2, e.4.2, mail.3,
    multiIf(type = 'Delivery', 'ok', type = 'DeliveryDelay', 'warn',
      type = 'Bounce', if(e.4.2 = 'Permanent', 'error', 'warn'), type IN ('Send', 'Open', 'Click'),
      'info', 'error'),
    json
  FROM file('${corpus}', 'JSONAsString') ${limits}`;

const dialect = {
  wholeWords: true,
  has: (address) => `has(destination, '${address}')`,
  text: (words) => {
    const parts = words.split(' ');
    const tokens = parts.map((word) => `hasToken(lower(raw), '${word}')`);
    if (parts.length > 1) tokens.push(`position(lower(raw), '${words}') > 0`);
    return tokens.join(' AND ');
  },
  topRecipients: (where) =>
    `SELECT address, count() AS n FROM events ARRAY JOIN destination AS address ${where} GROUP BY 1
     ORDER BY n DESC LIMIT 10`,
  topDomains: () =>
    `SELECT splitByChar('@', address)[2] AS domain, count() AS n FROM events
     ARRAY JOIN destination AS address GROUP BY 1 ORDER BY n DESC LIMIT 10`,
  hours: () => 'SELECT toStartOfHour(ts) AS hour, event_type, count() FROM events GROUP BY 1, 2',
  percentiles: () =>
    `SELECT toDate(ts) AS day, avg(processing_ms), quantiles(0.5, 0.95, 0.99)(processing_ms) FROM events
     WHERE processing_ms IS NOT NULL GROUP BY 1`,
  bounceRate: () =>
    `SELECT splitByChar('@', address)[2] AS domain, count() AS n, countIf(event_type = 'Bounce')
     FROM events ARRAY JOIN destination AS address GROUP BY 1 ORDER BY n DESC LIMIT 20`,
  regex: (pattern) => `match(subject, '${pattern}')`,
  time: (ms) => `fromUnixTimestamp64Milli(${ms}, 'UTC')`,
};

const run = (sql) => {
  const text = session.query(`${sql} SETTINGS max_threads = 2`, 'JSONCompactEachRow');
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line));
};
// Parts that were merged away stay on the disk for some minutes; they are not counted.
const size = () => Number(run(
  "SELECT sum(bytes_on_disk)::Float64 FROM system.parts WHERE active AND table = 'events'")[0][0]);
await measureLoad(rows, () => {
  session.query(table);
  session.query(load);
  session.query('OPTIMIZE TABLE events FINAL');
}, size);
await measureQueries(rows, queriesIn(dialect, ask), run);
session.close();
process.exit(rows.wrong ? 1 : 0);
