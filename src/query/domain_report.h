#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "query/mail_view.h"
#include "query/runner.h"
#include "store/plan.h"

namespace postglass::query {

// What became of the mail to one domain within a time. By the normalised view, which names those
// whom an event is about; events of kinds that name nobody count for every domain of the mail.
struct DomainReport {
  struct Period {
    Timestamp from;  // both ends inclusive, to the millisecond
    Timestamp to;
    std::uint64_t events = 0;
    std::uint64_t mails = 0;                     // distinct message ids, estimated when many
    std::vector<store::ValueCount> event_names;  // email.delivered email.bounced …
    std::optional<double> acceptance_median_ms;  // from request to acceptance
    std::optional<double> acceptance_p95_ms;
  };

  std::string domain;
  Period period;
  Period before;  // the same length just before it
  std::vector<store::ValueCount> enhanced_codes;
  std::vector<store::ValueCount> replies;  // the servers' words
  std::vector<store::ValueCount> bounce_classes;
  std::vector<store::ValueCount> troubled;    // recipients by bounces and delays
  std::map<MailState, std::uint64_t> states;  // of the newest mails, one a recipient of the domain
  std::vector<MailView> mails;                // the newest of them without acceptance
  bool states_incomplete = false;             // there were more events than were looked at
  std::vector<std::string> damage;
};

// Thread-safe; blocks.
class DomainReports {
 public:
  struct Options {
    MailViewOptions view;
    std::size_t values_max = 10;     // of each list of values
    std::size_t mails_max = 20;      // shown
    std::size_t events_max = 5'000;  // looked at for states
  };

  // Both must outlive it.
  DomainReports(QueryRunner& runner, const Clock& clock)
      : DomainReports(runner, clock, Options()) {}

  DomainReports(QueryRunner& runner, const Clock& clock, Options options)
      : runner_(runner), clock_(clock), options_(options) {}

  // `domain` in any letter case, also as "@example.com"; the times as ParseTime. Errors:
  // kInvalidArgument, and those of QueryRunner::Run.
  Result<DomainReport> Report(std::string_view domain, std::string_view from, std::string_view to);

 private:
  Status ReadPeriod(DomainReport& report, DomainReport::Period& period, bool with_values);
  Status ReadMails(DomainReport& report);

  QueryRunner& runner_;
  const Clock& clock_;
  const Options options_;
};

// {"domain","period":{…},"before":{…},"enhanced_codes":[{"value","count"}],"replies","bounce_classes",
// "troubled","states","states_incomplete","mails","damage"}.
std::string DomainReportJson(const DomainReport& report);

}  // namespace postglass::query
