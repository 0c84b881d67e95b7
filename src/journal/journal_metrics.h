#pragma once

#include <string_view>

#include "base/metrics.h"

namespace postglass::journal {

// What a journal counts, under the label {journal="<name>"}.
struct JournalMetrics {
  JournalMetrics(Metrics& metrics, std::string_view name)
      : commits(metrics.GetCounter(
            "postglass_journal_commit_total", "Group commits", {{"journal", name}})),
        records(metrics.GetCounter(
            "postglass_journal_records_total", "Records made durable", {{"journal", name}})),
        bytes(metrics.GetCounter(
            "postglass_journal_bytes_total", "Bytes written to files", {{"journal", name}})),
        fsyncs(
            metrics.GetCounter("postglass_journal_fsync_total", "File syncs", {{"journal", name}})),
        fsync_seconds(metrics.GetCounter(
            "postglass_journal_fsync_seconds_total", "Time in file syncs", {{"journal", name}})),
        failures(metrics.GetCounter(
            "postglass_journal_commit_failures_total", "Commits that failed", {{"journal", name}})),
        refused(metrics.GetCounter("postglass_journal_refused_total",
                                   "Appends refused because too much was waiting",
                                   {{"journal", name}})),
        damaged(metrics.GetCounter("postglass_journal_damaged_total",
                                   "Stretches of a file found damaged, at start or while reading",
                                   {{"journal", name}})),
        size_bytes(metrics.GetGauge(
            "postglass_journal_size_bytes", "Size of all files", {{"journal", name}})),
        health(metrics.GetGauge("postglass_journal_health",
                                "0 ok, 1 disk full, 2 failed until restarted",
                                {{"journal", name}})) {}

  Counter& commits;
  Counter& records;
  Counter& bytes;
  Counter& fsyncs;
  Counter& fsync_seconds;
  Counter& failures;
  Counter& refused;
  Counter& damaged;
  Gauge& size_bytes;
  Gauge& health;
};

}  // namespace postglass::journal
