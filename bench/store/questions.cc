#include "bench/store/questions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace postglass::bench {

namespace {

using store::Field;
using store::Plan;
using store::Predicate;

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr std::size_t kRowsMax = 100;
constexpr std::size_t kTextRowsMax = 50;
constexpr std::size_t kTopMax = 10;
constexpr std::size_t kDomainsMax = 20;  // all of them consumer domains
constexpr double kPercentileTolerance = 0.01;
constexpr std::string_view kAbsentAddress = "nobody.at.all@nowhere.example";
constexpr std::string_view kAbsentWord = "xylographically";

Field Attribute(std::string path) { return {Field::Kind::kAttribute, std::move(path)}; }

Predicate Is(Field field, std::string value, bool quoted = true) {
  return {store::TermMatch{std::move(field), std::move(value), quoted, false}};
}

Predicate Both(Predicate a, Predicate b) { return {store::And{{std::move(a), std::move(b)}}}; }

Plan NewestRows(Predicate where, std::size_t limit) {
  Plan plan;
  plan.where = std::move(where);
  plan.rows = store::RowsRequest{};
  plan.rows->limit = limit;
  return plan;
}

Plan CountOf(Predicate where) {
  Plan plan;
  plan.where = std::move(where);
  plan.count = true;
  return plan;
}

Plan TopOf(Predicate where, Field field, std::size_t limit) {
  Plan plan;
  plan.where = std::move(where);
  plan.top_values = {{std::move(field), limit}};
  return plan;
}

Predicate OfRecipient(std::string address) {
  return Is(Attribute("mail.destination"), std::move(address));
}

Question RowsOf(std::string row, Predicate where, std::uint64_t total, std::string needle) {
  const std::uint64_t expected = std::min<std::uint64_t>(total, kRowsMax);
  return {std::move(row),
          {NewestRows(std::move(where), kRowsMax)},
          [expected, needle = std::move(needle)](const std::vector<Answer>& answers) {
            return CheckRows(answers[0], expected, needle);
          }};
}

Question CountQuestion(std::string row, Predicate where, std::uint64_t expected) {
  return {
      std::move(row), {CountOf(std::move(where))}, [expected](const std::vector<Answer>& answers) {
        return CheckCount(answers[0].count, expected, "count");
      }};
}

// A word or phrase anywhere in the event, any case: count and newest fifty.
Question TextQuestion(std::string row, std::string words, std::uint64_t expected) {
  Plan plan = NewestRows(Is({Field::Kind::kAllText, ""}, words), kTextRowsMax);
  plan.count = true;
  return {std::move(row), {std::move(plan)}, [expected](const std::vector<Answer>& answers) {
            const std::string wrong = CheckCount(answers[0].count, expected, "count");
            if (!wrong.empty()) return wrong;
            return CheckRows(answers[0], std::min<std::uint64_t>(expected, kTextRowsMax), "");
          }};
}

Question TopQuestion(
    std::string row, Predicate where, Field field, Truth::Counts expected, std::size_t limit) {
  return {std::move(row),
          {TopOf(std::move(where), std::move(field), limit)},
          [expected = std::move(expected), limit](const std::vector<Answer>& answers) {
            return CheckValues(answers[0].ValuesOf(0), expected, limit);
          }};
}

Question Facets(std::string row, Predicate where, const Truth& truth, Truth::Scope scope) {
  Plan plan;
  plan.where = std::move(where);
  for (const char* path :
       {"eventType", "mail.tags.tenant", "mail.tags.template", "mail.tags.ses:configuration-set"}) {
    plan.top_values.push_back({Attribute(path), kTopMax});
  }
  plan.top_values.push_back({{Field::Kind::kReserved, "status"}, kTopMax});
  return {std::move(row), {std::move(plan)}, [&truth, scope](const std::vector<Answer>& answers) {
            std::string wrong;
            for (std::size_t i = 0; i < 5 && wrong.empty(); ++i) {
              wrong = CheckValues(answers[0].ValuesOf(i),
                                  truth.Values(static_cast<Truth::Facet>(i), scope),
                                  kTopMax);
            }
            return wrong;
          }};
}

std::string CheckHours(const Truth& truth,
                       std::int64_t start_ms,
                       std::span<const store::HistogramBucket> buckets) {
  std::uint64_t seen = 0;
  for (const store::HistogramBucket& bucket : buckets) {
    const auto hour = static_cast<std::size_t>((bucket.start_ms - start_ms) / kHourMs);
    if (hour >= truth.hours().size()) return "a bucket where no events are";
    std::uint64_t split = 0;
    for (std::size_t type = 0; type < kEventTypes; ++type) {
      const auto name = EventTypeName(static_cast<EventType>(type));
      const auto found = std::find_if(
          bucket.split.begin(), bucket.split.end(), [&](const auto& v) { return v.value == name; });
      const std::uint64_t got = found == bucket.split.end() ? 0 : found->count;
      const std::uint64_t expected = truth.hours()[hour][type];
      if (got != expected) return CheckCount(got, expected, fmt::format("hour {}, {}", hour, name));
      split += got;
    }
    if (split != bucket.count) return CheckCount(bucket.count, split, "a bucket's count");
    seen += split;
  }
  return CheckCount(seen, truth.events(), "events in all hours");
}

Question HoursQuestion(const Truth& truth, std::int64_t start_ms) {
  Plan plan;
  plan.histograms = {{kHourMs, Attribute("eventType")}};
  return {"count_per_hour_type_ms",
          {std::move(plan)},
          [&truth, start_ms](const std::vector<Answer>& answers) {
            return CheckHours(truth, start_ms, answers[0].BucketsOf(0));
          }};
}

double Quantile(const std::vector<std::uint32_t>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  const double within = place - static_cast<double>(low);
  return sorted[low] * (1 - within) + sorted[high] * within;
}

// One plan a day. The interface gives no averages.
Question PercentilesQuestion(const Truth& truth, std::int64_t start_ms) {
  Question question;
  question.row = "percentiles_per_day_ms";
  for (std::int64_t day = 0; day < SesCorpus::kDays; ++day) {
    Plan plan;
    plan.from_ms = start_ms + day * kDayMs;
    plan.to_ms = plan.from_ms + kDayMs;
    plan.percentiles = {{Attribute("delivery.processingTimeMillis"), {0.5, 0.95, 0.99}}};
    question.plans.push_back(std::move(plan));
  }
  question.check = [&truth](const std::vector<Answer>& answers) -> std::string {
    for (const auto& [day, values] : truth.processing()) {
      if (values.empty()) continue;
      std::vector<std::uint32_t> sorted = values;
      std::sort(sorted.begin(), sorted.end());
      const std::span<const double> got = answers[day].PercentilesOf(0);
      const std::array<double, 3> quantiles = {0.5, 0.95, 0.99};
      if (got.size() != quantiles.size()) return CheckCount(got.size(), 3, "quantiles");
      for (std::size_t i = 0; i < quantiles.size(); ++i) {
        const double expected = Quantile(sorted, quantiles[i]);
        if (std::abs(got[i] - expected) <= kPercentileTolerance * expected) continue;
        return fmt::format(
            "day {}, quantile {}: {} instead of {}", day, quantiles[i], got[i], expected);
      }
    }
    return {};
  };
  return question;
}

Question HardBounces(const Truth& truth) {
  const std::int64_t from_ms = truth.newest_ms() - kHourMs;
  Plan plan = NewestRows(
      Both(Is(Attribute("eventType"), "Bounce"), Is(Attribute("bounce.bounceType"), "Permanent")),
      kRowsMax);
  plan.from_ms = from_ms;
  const std::uint64_t expected = std::min<std::uint64_t>(truth.HardBouncesSince(from_ms), kRowsMax);
  return {"newest_100_hard_bounces_last_hour_ms",
          {std::move(plan)},
          [expected](const std::vector<Answer>& answers) {
            return CheckRows(answers[0], expected, R"("bounceType":"Permanent")");
          }};
}

Predicate SubjectHolds(std::string literal) {
  using Piece = store::WildcardMatch::Piece;
  store::WildcardMatch match;
  match.field = Attribute("mail.commonHeaders.subject");
  match.pieces = {Piece{Piece::Kind::kAnyRun, ""},
                  Piece{Piece::Kind::kLiteral, std::move(literal)},
                  Piece{Piece::Kind::kAnyRun, ""}};
  return {std::move(match)};
}

// The most frequent by rank; behind them domains of few events may have as many as the last
// consumer domains, so for those only the counts are compared.
std::string CheckBounces(std::span<const store::ValueCount> got, const Truth::Counts& expected) {
  constexpr std::size_t kSurelyFirst = 2;
  const std::string wrong =
      CheckValues(got.first(std::min(kSurelyFirst, got.size())), expected, kSurelyFirst);
  if (!wrong.empty()) return wrong;
  for (const store::ValueCount& value : got) {
    for (const auto& [domain, count] : expected) {
      if (domain == value.value && count != value.count) {
        return CheckCount(value.count, count, domain);
      }
    }
  }
  return {};
}

}  // namespace

Plan RecipientPlan(std::string address) {
  return NewestRows(OfRecipient(std::move(address)), kRowsMax);
}

Plan MessagePlan(std::string message_id) {
  return NewestRows(Is(Attribute("mail.messageId"), std::move(message_id)), kRowsMax);
}

Question ColdRare(const Truth& truth) {
  const std::string rare = People::Address(truth.rare_recipient());
  return RowsOf("rare_cold_ms", OfRecipient(rare), truth.EventsOf(truth.rare_recipient()), rare);
}

Question ColdAbsent() {
  return RowsOf("absent_cold_ms", OfRecipient(std::string(kAbsentAddress)), 0, "");
}

std::vector<Question> RawQuestions(const Truth& truth, const SesCorpus& corpus) {
  const std::string busy = People::Address(0);
  const std::string medium = People::Address(truth.medium_recipient());
  const std::string rare = People::Address(truth.rare_recipient());
  const auto mails = truth.Mails();
  const Truth::KnownMail& mail = mails[mails.size() / 2];
  const std::int64_t newest_ms = truth.newest_ms();
  const Predicate filter =
      Is(Attribute("mail.tags.ses:source-ip"), SourceIp(Truth::kFilterSourceIp));
  const Predicate tenant = Is(Attribute("mail.tags.tenant"), Tenants()[Truth::kFilterTenant].name);

  std::vector<Question> questions;
  questions.push_back(RowsOf("busy_newest_100_ms", OfRecipient(busy), truth.EventsOf(0), busy));
  questions.push_back(CountQuestion("busy_count_ms", OfRecipient(busy), truth.EventsOf(0)));
  questions.push_back(RowsOf(
      "medium_newest_ms", OfRecipient(medium), truth.EventsOf(truth.medium_recipient()), medium));
  questions.push_back(
      RowsOf("rare_newest_ms", OfRecipient(rare), truth.EventsOf(truth.rare_recipient()), rare));
  questions.push_back(RowsOf("absent_ms", OfRecipient(std::string(kAbsentAddress)), 0, ""));
  questions.push_back(RowsOf("message_id_ms",
                             Is(Attribute("mail.messageId"), mail.message_id),
                             mail.events,
                             mail.message_id));
  questions.push_back(TopQuestion("counts_by_type_ms",
                                  {store::MatchAll{}},
                                  Attribute("eventType"),
                                  truth.Values(Truth::Facet::kType, Truth::Scope::kAll),
                                  kTopMax));
  questions.push_back(Facets("facets_five_ms", {store::MatchAll{}}, truth, Truth::Scope::kAll));
  questions.push_back(Facets("facets_five_filtered_ms", filter, truth, Truth::Scope::kFiltered));
  questions.push_back(TopQuestion("top_recipients_ms",
                                  {store::MatchAll{}},
                                  Attribute("mail.destination"),
                                  truth.TopRecipients(Truth::Scope::kAll, kTopMax),
                                  kTopMax));
  questions.push_back(TopQuestion("top_recipients_filtered_ms",
                                  tenant,
                                  Attribute("mail.destination"),
                                  truth.TopRecipients(Truth::Scope::kFiltered, kTopMax),
                                  kTopMax));
  questions.push_back(HoursQuestion(truth, corpus.start_ms()));
  questions.push_back(TextQuestion("word_count_newest_50_ms", "mailbox", truth.mailbox));
  questions.push_back(
      TextQuestion("phrase_easy_count_newest_50_ms", "does not exist", truth.does_not_exist));
  questions.push_back(
      TextQuestion("phrase_frequent_count_newest_50_ms", "queued as", truth.queued_as));
  questions.push_back(TextQuestion("word_rare_ms", "quarantined", truth.quarantined));
  questions.push_back(TextQuestion("word_absent_ms", std::string(kAbsentWord), 0));
  questions.push_back(PercentilesQuestion(truth, corpus.start_ms()));
  questions.push_back(
      CountQuestion("wildcard_subject_ms", SubjectHolds("password"), truth.password));
  questions.push_back(HardBounces(truth));
  questions.push_back({"newest_100_ms",
                       {NewestRows({store::MatchAll{}}, kRowsMax)},
                       [newest_ms](const std::vector<Answer>& answers) {
                         const std::string wrong = CheckRows(answers[0], kRowsMax, "eventType");
                         if (!wrong.empty()) return wrong;
                         return answers[0].row_times_ms[0] == newest_ms
                                    ? std::string()
                                    : std::string("the newest event is not the first row");
                       }});
  return questions;
}

std::vector<Question> ProductQuestions(const Truth& truth) {
  const Field domain = Attribute("email.recipient.domain");
  std::vector<Question> questions;
  questions.push_back(
      TopQuestion("top_domains_ms", {store::MatchAll{}}, domain, truth.Domains(), kTopMax));
  Question rate;
  rate.row = "bounce_rate_per_domain_ms";
  rate.plans = {TopOf({store::MatchAll{}}, domain, kDomainsMax),
                TopOf(Is(Attribute("eventType"), "Bounce"), domain, kDomainsMax)};
  rate.check = [&truth](const std::vector<Answer>& answers) {
    const std::string wrong = CheckValues(answers[0].ValuesOf(0), truth.Domains(), kDomainsMax);
    if (!wrong.empty()) return wrong;
    return CheckBounces(answers[1].ValuesOf(0), truth.BouncesByDomain());
  };
  questions.push_back(std::move(rate));
  return questions;
}

}  // namespace postglass::bench
