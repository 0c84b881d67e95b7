#include "query/domain_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "base/encoding.h"
#include "query/mail_event.h"
#include "query/object_writer.h"
#include "query/output.h"
#include "query/time_range.h"

namespace postglass::query {
namespace {

using store::Field;
using store::Predicate;
using store::ValueCount;

constexpr std::size_t kDomainBytesMax = 255;  // RFC 1035 §2.3.4
// The least instant there is, in whole milliseconds (1677).
constexpr std::int64_t kLeastMs = std::numeric_limits<std::int64_t>::min() / 1'000'000;

// Places in the plan.
enum TopPlace : std::size_t { kNames, kCodes, kReplies, kClasses };

Field Attribute(std::string_view path) { return {Field::Kind::kAttribute, std::string(path)}; }

Predicate Equals(std::string_view path, std::string_view value) {
  return {store::TermMatch{Attribute(path), std::string(value), true, /*ignore_case=*/true}};
}

Predicate OfDomain(std::string_view domain) { return Equals("email.recipient.domain", domain); }

Predicate InTrouble(std::string_view domain) {
  store::Or trouble;
  for (const std::string_view name : {"email.bounced", "email.deferred"}) {
    trouble.operands.push_back(Equals("event.name", name));
  }
  store::And both;
  both.operands.push_back(OfDomain(domain));
  both.operands.push_back({std::move(trouble)});
  return {std::move(both)};
}

class ReportSink final : public store::Sink {
 public:
  std::vector<store::Event> rows;
  std::uint64_t count = 0;
  std::uint64_t cardinality = 0;
  std::vector<std::vector<ValueCount>> top;
  std::vector<double> percentiles;

  void Rows(std::span<const store::Event> more) override {
    rows.insert(rows.end(), more.begin(), more.end());
  }

  void Count(std::uint64_t n) override { count = n; }

  void TopValues(std::size_t i, std::span<const ValueCount> values) override {
    if (top.size() <= i) top.resize(i + 1);
    top[i].assign(values.begin(), values.end());
  }

  void Percentiles(std::size_t, std::span<const double> values) override {
    percentiles.assign(values.begin(), values.end());
  }

  void Cardinality(std::size_t, std::uint64_t n) override { cardinality = n; }
};

void AddDamage(DomainReport& report, store::RunReport& run) {
  std::move(run.damage.begin(), run.damage.end(), std::back_inserter(report.damage));
}

void AppendValue(std::string& out, const ValueCount& value) {
  ObjectWriter object(out);
  object.Text("value", value.value);
  object.Number("count", value.count);
  object.Close();
}

void AppendPeriod(std::string& out, const DomainReport::Period& period) {
  ObjectWriter object(out);
  object.Time("from", period.from);
  object.Time("to", period.to);
  object.Number("events", period.events);
  object.Number("mails", period.mails);
  object.List("event_names", period.event_names, AppendValue);
  const auto milliseconds = [&object](std::string_view name, const std::optional<double>& value) {
    if (value) object.Raw(name, fmt::format("{:.0f}", *value));
  };
  milliseconds("acceptance_median_ms", period.acceptance_median_ms);
  milliseconds("acceptance_p95_ms", period.acceptance_p95_ms);
  object.Close();
}

bool IsTaken(MailState state) {
  return state == MailState::kAccepted || state == MailState::kCaptured ||
         state == MailState::kRelayed || state == MailState::kOpened ||
         state == MailState::kClicked;
}

}  // namespace

Status DomainReports::ReadPeriod(DomainReport& report,
                                 DomainReport::Period& period,
                                 bool with_values) {
  store::Plan plan;
  plan.where = OfDomain(report.domain);
  plan.from_ms = period.from.millis();
  plan.to_ms = period.to.millis() + 1;
  plan.count = true;
  plan.cardinalities.push_back({Attribute("email.local_id")});
  plan.percentiles.push_back({Attribute("delivery.processingTimeMillis"), {0.5, 0.95}});
  plan.top_values.push_back({Attribute("event.name"), options_.values_max});
  if (with_values) {
    plan.top_values.push_back({Attribute("smtp.enhanced_code"), options_.values_max});
    plan.top_values.push_back({Attribute("smtp.response"), options_.values_max});
    plan.top_values.push_back({Attribute("email.bounce.class"), options_.values_max});
  }
  ReportSink sink;
  sink.top.resize(plan.top_values.size());
  ASSIGN_OR_RETURN(store::RunReport run, runner_.Run(std::move(plan), sink));
  AddDamage(report, run);
  period.events = sink.count;
  period.mails = sink.cardinality;
  period.event_names = std::move(sink.top[kNames]);
  const bool measured = sink.percentiles.size() == 2 && std::isfinite(sink.percentiles[0]) &&
                        std::isfinite(sink.percentiles[1]);
  if (measured) {
    period.acceptance_median_ms = sink.percentiles[0];
    period.acceptance_p95_ms = sink.percentiles[1];
  }
  if (!with_values) return {};
  report.enhanced_codes = std::move(sink.top[kCodes]);
  report.replies = std::move(sink.top[kReplies]);
  report.bounce_classes = std::move(sink.top[kClasses]);
  return {};
}

Status DomainReports::ReadMails(DomainReport& report) {
  store::Plan trouble;
  trouble.where = InTrouble(report.domain);
  trouble.from_ms = report.period.from.millis();
  trouble.to_ms = report.period.to.millis() + 1;
  trouble.top_values.push_back({Attribute("email.recipient.address"), options_.values_max});
  ReportSink sink;
  sink.top.resize(1);
  ASSIGN_OR_RETURN(store::RunReport counted, runner_.Run(std::move(trouble), sink));
  AddDamage(report, counted);
  report.troubled = std::move(sink.top[0]);

  store::Plan newest;
  newest.where = OfDomain(report.domain);
  newest.from_ms = report.period.from.millis();
  newest.to_ms = report.period.to.millis() + 1;
  newest.rows = store::RowsRequest{store::Order::kNewestFirst, options_.events_max, std::nullopt};
  ASSIGN_OR_RETURN(store::RunReport read, runner_.Run(std::move(newest), sink));
  AddDamage(report, read);
  report.states_incomplete = read.more_rows;
  std::vector<MailEvent> events;
  for (const store::Event& event : sink.rows) {
    if (std::optional<MailEvent> mail = ReadMailEvent(event)) events.push_back(std::move(*mail));
  }
  for (MailView& view : BuildMailViews(events, clock_.Now(), options_.view)) {
    if (!EqualsIgnoreAsciiCase(DomainOf(view.recipient), report.domain)) continue;
    ++report.states[view.state];
    if (!IsTaken(view.state) && report.mails.size() < options_.mails_max) {
      report.mails.push_back(std::move(view));
    }
  }
  return {};
}

Result<DomainReport> DomainReports::Report(std::string_view domain,
                                           std::string_view from,
                                           std::string_view to) {
  domain = TrimAscii(domain);
  if (domain.starts_with('@')) domain.remove_prefix(1);
  if (domain.empty() || domain.size() > kDomainBytesMax ||
      domain.find_first_of("@ \t\r\n") != domain.npos) {
    return Fail(ErrorCode::kInvalidArgument, "no domain name");
  }
  const Timestamp now = clock_.Now();
  DomainReport report;
  report.domain = AsciiLower(domain);
  ASSIGN_OR_RETURN(report.period.from, ParseTime(from, now));
  ASSIGN_OR_RETURN(report.period.to, ParseTime(to, now));
  if (report.period.from > report.period.to) {
    return Fail(ErrorCode::kInvalidArgument, "from is later than to");
  }
  // In milliseconds, as the store counts: no event is in both periods.
  const std::int64_t from_ms = report.period.from.millis();
  const std::int64_t length_ms = report.period.to.millis() - from_ms;
  report.before.to = Timestamp::FromMillis(std::max(kLeastMs, from_ms - 1));
  report.before.from = Timestamp::FromMillis(std::max(kLeastMs, from_ms - 1 - length_ms));
  RETURN_IF_ERROR(ReadPeriod(report, report.period, /*with_values=*/true));
  RETURN_IF_ERROR(ReadPeriod(report, report.before, /*with_values=*/false));
  RETURN_IF_ERROR(ReadMails(report));
  std::sort(report.damage.begin(), report.damage.end());
  report.damage.erase(std::unique(report.damage.begin(), report.damage.end()), report.damage.end());
  return report;
}

std::string DomainReportJson(const DomainReport& report) {
  std::string out;
  ObjectWriter object(out);
  object.Text("domain", report.domain);
  object.Bool("found", report.period.events > 0);
  AppendPeriod(object.Key("period"), report.period);
  AppendPeriod(object.Key("before"), report.before);
  object.List("enhanced_codes", report.enhanced_codes, AppendValue);
  object.List("replies", report.replies, AppendValue);
  object.List("bounce_classes", report.bounce_classes, AppendValue);
  object.List("troubled", report.troubled, AppendValue);
  {
    ObjectWriter states(object.Key("states"));
    for (const auto& [state, count] : report.states) states.Number(MailStateName(state), count);
    states.Close();
  }
  object.Bool("states_incomplete", report.states_incomplete);
  object.List("mails", report.mails, [](std::string& to, const MailView& mail) {
    to += MailViewJson(mail);
  });
  object.Texts("damage", report.damage);
  object.Close();
  return out;
}

}  // namespace postglass::query
