#include "query/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "base/encoding.h"
#include "query/field_names.h"
#include "store/text.h"

namespace postglass::query {
namespace {

using store::Field;
using store::Predicate;

// The provider's own id, and the Message-ID header, with and without angle brackets.
constexpr std::array<std::string_view, 2> kProviderIdPaths = {"mail.messageId", "email.local_id"};
constexpr std::array<std::string_view, 2> kHeaderIdPaths = {"mail.commonHeaders.messageId",
                                                            "email.message_id"};

constexpr std::size_t kMessageIdsMax = 200;  // in the second look for whole mails
constexpr std::size_t kNearDistanceMax = 3;
constexpr std::int64_t kFirstLookBackMs = 1'000;       // of arrivals, for a near miss
constexpr std::size_t kNearMemoryBytesMax = 64 << 20;  // for one of its queries

Predicate Equals(std::string_view path, std::string value, bool ignore_case) {
  return {store::TermMatch{
      Field{Field::Kind::kAttribute, std::string(path)}, std::move(value), true, ignore_case}};
}

Predicate IsRecipient(const std::string& address) {
  store::Or any;
  for (const Field& field : AddressFieldsNamed("recipient")) {
    if (field.kind != Field::Kind::kAttribute) continue;
    any.operands.push_back(Equals(field.name, address, /*ignore_case=*/true));
  }
  return {std::move(any)};
}

void AddMessageId(store::Or& any, const std::string& id) {
  for (const std::string_view path : kProviderIdPaths) {
    any.operands.push_back(Equals(path, id, /*ignore_case=*/false));
  }
  for (const std::string_view path : kHeaderIdPaths) {
    any.operands.push_back(Equals(path, id, /*ignore_case=*/false));
    any.operands.push_back(Equals(path, "<" + id + ">", /*ignore_case=*/false));
  }
  // SES makes the Message-ID header of its own id and a host of its own.
  const std::size_t at = id.rfind('@');
  if (at != std::string::npos && id.ends_with("amazonses.com")) {
    any.operands.push_back(Equals("mail.messageId", id.substr(0, at), /*ignore_case=*/false));
  }
}

class AnswerSink final : public store::Sink {
 public:
  std::vector<store::Event> events;
  std::vector<store::ValueCount> values;
  std::uint64_t cardinality = 0;

  void Rows(std::span<const store::Event> rows) override {
    events.insert(events.end(), rows.begin(), rows.end());
  }

  void TopValues(std::size_t, std::span<const store::ValueCount> top) override {
    values.assign(top.begin(), top.end());
  }

  void Cardinality(std::size_t, std::uint64_t count) override { cardinality = count; }
};

std::vector<MailEvent> ReadAll(const std::vector<store::Event>& events) {
  std::vector<MailEvent> read;
  for (const store::Event& event : events) {
    if (std::optional<MailEvent> mail = ReadMailEvent(event)) read.push_back(std::move(*mail));
  }
  return read;
}

bool IsAbout(const MailView& view, const std::vector<MailEvent>& events, std::string_view address) {
  if (SameAddress(view.recipient, address)) return true;
  if (view.recipients_count > 1) return false;
  // With one recipient, a forwarded address is theirs.
  return std::any_of(events.begin(), events.end(), [&](const MailEvent& event) {
    return event.message_id == view.message_id &&
           std::any_of(event.recipients.begin(),
                       event.recipients.end(),
                       [address](const MailEvent::Recipient& recipient) {
                         return SameAddress(recipient.address, address);
                       });
  });
}

// How far a mistyped address may be: one slip in a short one, three in a long one.
std::size_t DistanceBound(std::string_view asked) {
  return std::clamp<std::size_t>(asked.size() / 5, 1, kNearDistanceMax);
}

// Message ids, which are asked for as well, are near to no address.
bool MayBeAddress(std::string_view asked) { return asked.find_first_of("@.") != asked.npos; }

// What recipients near to `asked` mostly have: its first two characters, or its domain. The store
// need not count all the others.
Predicate MayBeNear(std::string_view asked) {
  using Piece = store::WildcardMatch::Piece;
  const Field field{Field::Kind::kAttribute, "mail.destination"};
  const Piece any{Piece::Kind::kAnyRun, ""};
  const auto pattern = [&](std::vector<Piece> pieces) {
    return Predicate{store::WildcardMatch{field, std::move(pieces), /*ignore_case=*/true}};
  };
  std::size_t head_bytes = store::FirstCodePoint(asked).bytes;
  if (head_bytes < asked.size()) {
    head_bytes += store::FirstCodePoint(asked.substr(head_bytes)).bytes;
  }
  const std::string head(asked.substr(0, head_bytes));
  store::Or either;
  either.operands.push_back(pattern({{Piece::Kind::kLiteral, head}, any}));
  if (const std::size_t at = asked.rfind('@'); at != asked.npos) {
    either.operands.push_back(
        pattern({any, {Piece::Kind::kLiteral, std::string(asked.substr(at))}}));
  }
  return {std::move(either)};
}

std::string MailLine(const MailView& mail) {
  return fmt::format("{}\"{}\", {}: {}",
                     mail.recipient.empty() ? std::string() : mail.recipient + " — ",
                     mail.subject,
                     InstantText(mail.requested_at),
                     mail.sentence);
}

std::string EmptySummary(const Answer& answer) {
  std::string text = fmt::format("No mail to {} was ever seen by this system.", answer.asked);
  if (!answer.store.first_event_at) return text + " It has stored no events at all yet.";
  text += fmt::format(" Its first event is from {}", InstantText(*answer.store.first_event_at));
  if (answer.store.last_event_taken_at) {
    text += fmt::format(", the last one arrived {} ago",
                        DurationText(answer.now - *answer.store.last_event_taken_at));
  }
  text += '.';
  if (!answer.store.writable) {
    text += fmt::format(" It takes no new events now: {}.", answer.store.not_writable_because);
  }
  if (answer.near) {
    text += fmt::format(" Nearest address: {} ({} mail{}).",
                        answer.near->address,
                        answer.near->mails,
                        answer.near->mails == 1 ? "" : "s");
  }
  return text;
}

}  // namespace

Result<AnswerService::Found> AnswerService::Select(Predicate where) {
  store::Plan plan;
  plan.where = std::move(where);
  plan.rows = store::RowsRequest{store::Order::kNewestFirst, options_.events_max, std::nullopt};
  AnswerSink sink;
  ASSIGN_OR_RETURN(store::RunReport report, runner_.Run(std::move(plan), sink));
  return Found{std::move(sink.events), std::move(report.damage), report.more_rows};
}

StoreAge AnswerService::Age() const {
  const store::Description described = runner_.store().Describe();
  StoreAge age;
  age.events = described.events;
  age.writable = described.writable;
  age.not_writable_because = described.reason;
  if (described.events > 0) {
    age.first_event_at = Timestamp::FromMillis(described.first_timestamp_ms);
    age.last_event_taken_at = Timestamp::FromMillis(described.last_ingested_ms);
  }
  return age;
}

Result<std::optional<NearAddress>> AnswerService::Nearest(const std::string& asked) {
  const store::Description described = runner_.store().Describe();
  if (described.events == 0 || !MayBeAddress(asked)) return std::optional<NearAddress>();
  const Field field{Field::Kind::kAttribute, "mail.destination"};
  const std::chrono::nanoseconds end_at = clock_.Monotonic() + options_.near_time_max;
  std::size_t least = DistanceBound(asked) + 1;
  std::string best;
  // What came last is looked at first, then twice as much each time: when the time is over, the
  // newest recipients have been seen, however large the store is. By arrival, because stores keep
  // events in that order; dates lie anywhere.
  std::int64_t back_ms = kFirstLookBackMs;
  bool whole_store = false;
  while (!whole_store && least > 1) {
    store::Plan plan;
    plan.where = MayBeNear(asked);
    whole_store = described.last_ingested_ms - back_ms <= described.first_ingested_ms;
    if (!whole_store) plan.ingested_from_ms = described.last_ingested_ms - back_ms;
    plan.memory_bytes_max = kNearMemoryBytesMax;
    plan.top_values.push_back({field, options_.near_addresses_max});
    back_ms *= 2;
    AnswerSink values;
    const Result<store::RunReport> report =
        runner_.Run(std::move(plan), values, end_at - clock_.Monotonic());
    if (!report) {
      const ErrorCode code = report.error().code;
      // A hint is not worth more time, memory or waiting, and not worth an answer that fails.
      const bool dear = code == ErrorCode::kTimeout || code == ErrorCode::kLimit ||
                        code == ErrorCode::kUnavailable;
      if (!dear) return Fail(report.error());
      break;
    }
    // By distance; the values come by count, so the first of equals is the most used one.
    for (const store::ValueCount& value : values.values) {
      const std::string_view address = BareAddress(value.value);
      const std::size_t distance = EditDistance(asked, address, least - 1);
      if (distance >= least) continue;
      least = distance;
      best = address;
    }
  }
  if (best.empty()) return std::optional<NearAddress>();
  ASSIGN_OR_RETURN(NearAddress near, WithMails(std::move(best)));
  return std::optional<NearAddress>(std::move(near));
}

Result<NearAddress> AnswerService::WithMails(std::string address) {
  store::Plan count;
  count.where = IsRecipient(address);
  count.cardinalities.push_back({Field{Field::Kind::kAttribute, "mail.messageId"}});
  AnswerSink mails;
  ASSIGN_OR_RETURN(const store::RunReport counted, runner_.Run(std::move(count), mails));
  static_cast<void>(counted);
  return NearAddress{std::move(address), mails.cardinality};
}

Result<Answer> AnswerService::AnswerFor(std::string_view text) {
  if (text.size() > kAskedBytesMax) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("longer than {} bytes: no address", kAskedBytesMax));
  }
  Answer answer;
  answer.asked = BareAddress(text);
  answer.now = clock_.Now();
  if (answer.asked.empty()) return Fail(ErrorCode::kInvalidArgument, "no address given");

  Predicate where = IsRecipient(answer.asked);
  AddMessageId(std::get<store::Or>(where.node), answer.asked);
  ASSIGN_OR_RETURN(Found found, Select(std::move(where)));
  answer.damage = std::move(found.damage);
  answer.incomplete = found.more;
  answer.store = Age();

  // The events found name the mails; an event that names somebody else, or that the limit cut off,
  // belongs to them too. Newest first, so the newest mails are whole.
  std::vector<MailEvent> events = ReadAll(found.events);
  store::Or whole_mails;
  std::set<std::string> ids;
  bool by_id = !events.empty();
  for (const MailEvent& event : events) {
    const bool named =
        std::any_of(event.destination.begin(),
                    event.destination.end(),
                    [&answer](const std::string& to) { return SameAddress(to, answer.asked); }) ||
        std::any_of(event.recipients.begin(),
                    event.recipients.end(),
                    [&answer](const MailEvent::Recipient& recipient) {
                      return SameAddress(recipient.address, answer.asked);
                    });
    if (named) by_id = false;
    if (ids.size() >= kMessageIdsMax || !ids.insert(event.message_id).second) continue;
    for (const std::string_view path : kProviderIdPaths) {
      whole_mails.operands.push_back(Equals(path, event.message_id, /*ignore_case=*/false));
    }
  }
  if (!ids.empty()) {
    ASSIGN_OR_RETURN(Found whole, Select({std::move(whole_mails)}));
    answer.incomplete |= whole.more;
    std::vector<MailEvent> more = ReadAll(whole.events);
    std::move(more.begin(), more.end(), std::back_inserter(events));
  }
  answer.kind = by_id ? Answer::Kind::kMessageId : Answer::Kind::kAddress;

  for (MailView& view : BuildMailViews(events, answer.now, options_.view)) {
    if (!by_id && !IsAbout(view, events, answer.asked)) continue;
    ++answer.mails_count;
    if (answer.mails.size() < options_.mails_max) answer.mails.push_back(std::move(view));
  }
  if (!answer.mails.empty()) {
    answer.summary = MailLine(answer.mails.front());
    return answer;
  }
  ASSIGN_OR_RETURN(answer.near, Nearest(answer.asked));
  answer.summary = EmptySummary(answer);
  return answer;
}

Result<MailDetail> AnswerService::MailById(std::string_view message_id) {
  if (message_id.empty() || message_id.size() > kAskedBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "no message id");
  }
  store::Or any;
  AddMessageId(any, std::string(BareAddress(message_id)));
  ASSIGN_OR_RETURN(Found found, Select({std::move(any)}));
  if (found.events.empty()) {
    return Fail(ErrorCode::kNotFound, fmt::format("no event of a mail \"{}\"", message_id));
  }
  MailDetail detail;
  detail.views = BuildMailViews(ReadAll(found.events), clock_.Now(), options_.view);
  std::reverse(found.events.begin(), found.events.end());
  detail.events = std::move(found.events);
  detail.damage = std::move(found.damage);
  detail.incomplete = found.more;
  return detail;
}

std::size_t EditDistance(std::string_view a, std::string_view b, std::size_t bound) {
  const std::size_t difference = a.size() > b.size() ? a.size() - b.size() : b.size() - a.size();
  if (difference > bound) return bound + 1;
  const std::string left = AsciiLower(a);
  const std::string right = AsciiLower(b);
  // Rows i-2, i-1 and i of the table.
  std::vector<std::size_t> before(right.size() + 1);
  std::vector<std::size_t> previous(right.size() + 1);
  std::vector<std::size_t> current(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= left.size(); ++i) {
    current[0] = i;
    std::size_t least = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t changed = left[i - 1] == right[j - 1] ? 0 : 1;
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + changed});
      const bool swapped =
          i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
      if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
      least = std::min(least, current[j]);
    }
    if (least > bound) return bound + 1;
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return std::min(previous[right.size()], bound + 1);
}

}  // namespace postglass::query
