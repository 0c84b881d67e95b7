// What both databases share: the output, the clock, and what is asked.

import { readFileSync, writeFileSync } from 'node:fs';

export class Rows {
  constructor(rival, events) {
    this.rival = rival;
    this.events = events;
    this.wrong = false;
  }

  print(row, value, unit) {
    console.log(JSON.stringify({
      row, value: Number(value.toFixed(4)), unit, events: this.events, rival: this.rival,
    }));
  }

  printWrong(row, error) {
    this.wrong = true;
    console.error(`WRONG ANSWER of ${this.rival}, ${row}: ${error}`);
    console.log(JSON.stringify({ row, error, events: this.events, rival: this.rival }));
  }
}

function peakMemoryMb() {
  const line = readFileSync('/proc/self/status', 'utf8').split('\n').find((l) => l.startsWith('VmHWM:'));
  return Number(line.split(/\s+/)[1]) * 1024 / 1e6;
}

function resetPeakMemory() {
  writeFileSync('/proc/self/clear_refs', '5');
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

// Loads, then reports time, processor time, memory and bytes on disk, which `size` gives.
export async function measureLoad(rows, load, size) {
  const cpuBefore = cpuSeconds();
  const begin = performance.now();
  await load();
  const seconds = (performance.now() - begin) / 1000;
  const bytes = size();
  rows.print('ingest_cpu_us_per_event', (cpuSeconds() - cpuBefore) * 1e6 / rows.events, 'us');
  rows.print('ingest_events_per_s', rows.events / seconds, '1/s');
  rows.print('bytes_per_event', bytes / rows.events, 'B');
  rows.print('disk_mb_raw', bytes / 1e6, 'MB');
  rows.print('peak_memory_ingest_mb', peakMemoryMb(), 'MB');
  resetPeakMemory();
}

// Each query: {row, sql: [...], check?: (results) => '' or what is wrong}. `run` gives rows as
// arrays of text. The first run is checked and not timed.
export async function measureQueries(rows, queries, run, rounds = 9) {
  for (const { row, sql, check } of queries) {
    const results = [];
    for (const statement of sql) results.push(await run(statement));
    const wrong = check ? check(results) : '';
    if (wrong) {
      rows.printWrong(row, wrong);
      continue;
    }
    const times = [];
    for (let i = 0; i < rounds; ++i) {
      const begin = performance.now();
      for (const statement of sql) await run(statement);
      times.push(performance.now() - begin);
      if (i === 2 && times[2] > 5000) break;
    }
    rows.print(row, median(times), 'ms');
  }
  rows.print('peak_memory_queries_mb', peakMemoryMb(), 'MB');
}

const rowCount = (expected) => (results) =>
  results[0].length === expected ? '' : `${results[0].length} rows instead of ${expected}`;
const count = (expected, place = 0) => (results) =>
  Number(results[place][0][0]) === expected ? '' : `${results[place][0][0]} instead of ${expected}`;
const atLeast = (expected) => (results) =>
  Number(results[0][0][0]) >= expected ? '' : `${results[0][0][0]} instead of ${expected} or more`;

// The table's queries; `d` writes what the dialects spell differently.
export function queriesIn(d, ask) {
  const lastHour = ask.newest_ms - 3_600_000;
  const all = 'SELECT raw FROM events';
  const newest = (where, limit) => `${all} WHERE ${where} ORDER BY ts DESC LIMIT ${limit}`;
  const text = (row, words, expected) => ({
    row,
    sql: [`SELECT count(*) FROM events WHERE ${d.text(words)}`, newest(d.text(words), 50)],
    check: (d.wholeWords ? count : atLeast)(expected),
  });
  const facets = (where) =>
    ['event_type', 'tenant', 'template', 'configuration_set', 'status'].map((column) =>
      `SELECT ${column}, count(*) AS n FROM events ${where} GROUP BY 1 ORDER BY n DESC LIMIT 10`);
  const filter = `source_ip = '${ask.source_ip}'`;
  const sum = (expected) => (results) => {
    const got = results[0].reduce((total, row) => total + Number(row[1]), 0);
    return got === expected ? '' : `${got} events in all types instead of ${expected}`;
  };
  return [
    { row: 'busy_newest_100_ms', sql: [newest(d.has(ask.busy), 100)],
      check: rowCount(Math.min(100, ask.busy_count)) },
    { row: 'busy_count_ms', sql: [`SELECT count(*) FROM events WHERE ${d.has(ask.busy)}`],
      check: count(ask.busy_count) },
    { row: 'rare_newest_ms', sql: [newest(d.has(ask.rare), 100)], check: rowCount(ask.rare_count) },
    { row: 'absent_ms', sql: [newest(d.has('nobody.at.all@nowhere.example'), 100)], check: rowCount(0) },
    { row: 'message_id_ms', sql: [newest(`message_id = '${ask.message_id}'`, 100)],
      check: rowCount(ask.message_count) },
    { row: 'counts_by_type_ms', sql: ['SELECT event_type, count(*) FROM events GROUP BY 1'],
      check: sum(ask.events) },
    { row: 'facets_five_ms', sql: facets(''), check: sum(ask.events) },
    { row: 'facets_five_filtered_ms', sql: facets(`WHERE ${filter}`), check: sum(ask.filtered) },
    { row: 'top_recipients_ms', sql: [d.topRecipients('')],
      check: (results) => (results[0][0][0] === ask.busy ? '' : `${results[0][0][0]} is first`) },
    { row: 'top_recipients_filtered_ms', sql: [d.topRecipients(`WHERE tenant = '${ask.tenant}'`)] },
    { row: 'top_domains_ms', sql: [d.topDomains()] },
    { row: 'count_per_hour_type_ms', sql: [d.hours()] },
    text('word_count_newest_50_ms', 'mailbox', ask.mailbox),
    text('phrase_easy_count_newest_50_ms', 'does not exist', ask.does_not_exist),
    text('phrase_frequent_count_newest_50_ms', 'queued as', ask.queued_as),
    text('word_rare_ms', 'quarantined', ask.quarantined),
    text('word_absent_ms', 'xylographically', 0),
    { row: 'percentiles_per_day_ms', sql: [d.percentiles()] },
    { row: 'bounce_rate_per_domain_ms', sql: [d.bounceRate()] },
    { row: 'wildcard_subject_ms', sql: ["SELECT count(*) FROM events WHERE subject LIKE '%password%'"],
      check: count(ask.password) },
    { row: 'regex_subject_ms', sql: [`SELECT count(*) FROM events WHERE ${d.regex('[0-9]{6} is your')}`] },
    { row: 'newest_100_hard_bounces_last_hour_ms',
      sql: [newest(`event_type = 'Bounce' AND bounce_type = 'Permanent' AND ts >= ${d.time(lastHour)}`, 100)] },
    { row: 'newest_100_ms', sql: [`${all} ORDER BY ts DESC LIMIT 100`], check: rowCount(100) },
  ];
}
