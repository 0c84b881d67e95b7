#include "bench/corpus/truth.h"

#include <algorithm>
#include <map>

namespace postglass::bench {

namespace {

constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::array<std::size_t, 3> kProcessingDays = {0, 14, 29};
constexpr std::uint64_t kSamples = 400;
constexpr std::array<std::string_view, 4> kStatusNames = {"info", "ok", "warn", "error"};

std::size_t StatusOf(const EventFacts& facts) {
  switch (facts.type) {
    case EventType::kSend:
    case EventType::kOpen:
    case EventType::kClick:
      return 0;
    case EventType::kDelivery:
      return 1;
    case EventType::kDelay:
      return 2;
    case EventType::kBounce:
      return facts.refusal->type == "Permanent" ? 3 : 2;
    default:
      return 3;
  }
}

Truth::Counts Sorted(const std::map<std::string, std::uint64_t>& counts) {
  Truth::Counts sorted;
  for (const auto& [value, count] : counts) {
    if (count > 0) sorted.emplace_back(value, count);
  }
  // The map's order is that of the bytes.
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second > b.second;
  });
  return sorted;
}

bool SubjectHolds(const EventFacts& facts, std::string_view word) {
  return facts.type != EventType::kRenderingFailure &&
         Templates()[facts.mail.what].subject.find(word) != std::string_view::npos;
}

}  // namespace

Truth::Truth(std::uint64_t events, std::int64_t start_ms)
    : start_ms_(start_ms),
      everyone_(events <= kEveryoneEventsMax),
      mails_step_(std::max<std::uint64_t>(1, events * 10 / 26 / kSamples)),
      drawn_step_(std::max<std::uint64_t>(1, events / kSamples)) {
  for (const std::size_t day : kProcessingDays)
    processing_.emplace_back(day, std::vector<std::uint32_t>());
}

void Truth::Note(const EventFacts& facts) {
  const auto type = static_cast<std::size_t>(facts.type);
  const std::size_t cell = (type * kTenants + facts.mail.tenant) * kTemplates + facts.mail.what;
  ++all_.cells[cell];
  ++all_.statuses[StatusOf(facts)];
  if (facts.mail.source_ip == kFilterSourceIp && facts.type != EventType::kRenderingFailure) {
    ++filtered_.cells[cell];
    ++filtered_.statuses[StatusOf(facts)];
  }
  newest_ms_ = std::max(newest_ms_, facts.timestamp_ms);
  const auto hour = static_cast<std::size_t>((facts.timestamp_ms - start_ms_) / kHourMs);
  if (hour >= hours_.size()) hours_.resize(hour + 1);
  ++hours_[hour][type];
  if (facts.type == EventType::kBounce && facts.refusal->type == "Permanent") {
    hard_bounces_ms_.push_back(facts.timestamp_ms);
  }
  if (facts.type == EventType::kDelivery) {
    for (auto& [day, values] : processing_) {
      if (day == hour / 24) values.push_back(static_cast<std::uint32_t>(facts.processing_ms));
    }
  }
  if (facts.mail.seed % mails_step_ == 0) {
    KnownMail& mail = mails_[facts.mail.seed];
    if (mail.events++ == 0) mail.message_id = facts.message_id;
  }
  if (events_ % drawn_step_ == 0) drawn_.push_back(facts.mail.ranks[0]);
  NoteWords(facts);
  NoteRecipients(facts);
  ++events_;
}

void Truth::NoteWords(const EventFacts& facts) {
  const bool refused = facts.refusal != nullptr;
  mailbox += SubjectHolds(facts, "mailbox") || (refused && facts.refusal->mailbox);
  password += SubjectHolds(facts, "password");
  does_not_exist += refused && facts.refusal->does_not_exist;
  queued_as += facts.reply.queued_as;
  quarantined += facts.reply.quarantined;
}

void Truth::NoteRecipients(const EventFacts& facts) {
  for (const Rank rank : facts.mail.all()) {
    if (rank - kRareFirst < kRareRanks) ++rare_[rank - kRareFirst];
    if (rank >= kHeadRanks && !everyone_) continue;
    PersonCounts& counts = rank < kHeadRanks ? head_[rank] : others_[rank];
    ++counts.all;
    counts.of_tenant += facts.mail.tenant == kFilterTenant;
  }
  std::uint32_t seen = 0;  // an event counts once for a domain
  for (const Rank rank : facts.recipients()) {
    const std::size_t domain = People::ConsumerDomain(rank);
    if (domain == kConsumerDomains || (seen >> domain & 1) != 0) continue;
    seen |= 1U << domain;
    ++domains_[domain];
    if (facts.type == EventType::kBounce) ++bounces_[domain];
  }
}

Truth::Counts Truth::Values(Facet facet, Scope scope) const {
  const Cube& cube = scope == Scope::kAll ? all_ : filtered_;
  std::map<std::string, std::uint64_t> counts;
  if (facet == Facet::kStatus) {
    for (std::size_t i = 0; i < kStatuses; ++i)
      counts[std::string(kStatusNames[i])] = cube.statuses[i];
    return Sorted(counts);
  }
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    if (cube.cells[cell] == 0) continue;
    const Template& what = Templates()[cell % kTemplates];
    const Tenant& tenant = Tenants()[cell / kTemplates % kTenants];
    const auto type = static_cast<EventType>(cell / kTemplates / kTenants);
    std::string value;
    switch (facet) {
      case Facet::kType:
        value = EventTypeName(type);
        break;
      case Facet::kTenant:
        value = tenant.name;
        break;
      case Facet::kTemplate:
        value = what.name;
        break;
      default:
        value = ConfigurationSet(tenant, what);
        break;
    }
    counts[value] += cube.cells[cell];
  }
  return Sorted(counts);
}

std::uint64_t Truth::Filtered() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : filtered_.statuses) sum += count;
  return sum;
}

std::uint64_t Truth::EventsOf(Rank rank) const {
  if (rank < kHeadRanks) return head_[rank].all;
  if (rank - kRareFirst < kRareRanks) return rare_[rank - kRareFirst];
  const auto found = others_.find(rank);
  return found == others_.end() ? 0 : found->second.all;
}

Truth::Counts Truth::TopRecipients(Scope scope, std::size_t limit) const {
  std::map<std::string, std::uint64_t> counts;
  const auto add = [&](Rank rank, const PersonCounts& person) {
    const std::uint32_t count = scope == Scope::kAll ? person.all : person.of_tenant;
    if (count > 0) counts[People::Address(rank)] = count;
  };
  for (Rank rank = 0; rank < kHeadRanks; ++rank) add(rank, head_[rank]);
  for (const auto& [rank, person] : others_) add(rank, person);
  Counts sorted = Sorted(counts);
  sorted.resize(std::min(limit, sorted.size()));
  return sorted;
}

Rank Truth::medium_recipient() const {
  constexpr std::int64_t kWanted = 41;
  const auto off = [](const PersonCounts& person) {
    return std::abs(std::int64_t{person.all} - kWanted);
  };
  const auto found =
      std::min_element(head_.begin(), head_.end(), [&](auto a, auto b) { return off(a) < off(b); });
  return static_cast<Rank>(found - head_.begin());
}

Rank Truth::rare_recipient() const {
  constexpr std::int64_t kWanted = 3;
  const auto off = [](std::uint32_t count) {
    return count == 0 ? std::int64_t{1} << 40 : std::abs(std::int64_t{count} - kWanted);
  };
  const auto found =
      std::min_element(rare_.begin(), rare_.end(), [&](auto a, auto b) { return off(a) < off(b); });
  return kRareFirst + static_cast<Rank>(found - rare_.begin());
}

Truth::Counts Truth::Domains() const {
  std::map<std::string, std::uint64_t> counts;
  for (std::size_t i = 0; i < kConsumerDomains; ++i) {
    counts[std::string(People::ConsumerDomainName(i))] = domains_[i];
  }
  return Sorted(counts);
}

Truth::Counts Truth::BouncesByDomain() const {
  std::map<std::string, std::uint64_t> counts;
  for (std::size_t i = 0; i < kConsumerDomains; ++i) {
    counts[std::string(People::ConsumerDomainName(i))] = bounces_[i];
  }
  return Sorted(counts);
}

std::uint64_t Truth::HardBouncesSince(std::int64_t ms) const {
  return static_cast<std::uint64_t>(std::count_if(
      hard_bounces_ms_.begin(), hard_bounces_ms_.end(), [&](auto at) { return at >= ms; }));
}

std::vector<Truth::KnownMail> Truth::Mails() const {
  std::vector<KnownMail> mails;
  for (const auto& [seed, mail] : mails_) mails.push_back(mail);
  std::sort(mails.begin(), mails.end(), [](const auto& a, const auto& b) {
    return a.message_id < b.message_id;
  });
  return mails;
}

}  // namespace postglass::bench
