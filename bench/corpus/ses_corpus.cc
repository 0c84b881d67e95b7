#include "bench/corpus/ses_corpus.h"

#include <algorithm>
#include <array>

namespace postglass::bench {

namespace {

constexpr double kEventsPerMail = 2.5885;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::size_t kHours = 24 * SesCorpus::kDays;
// Of a mail or of one recipient, as counted in five million events of real shape.
constexpr double kRenderingFailure = 1.0e-4;
constexpr double kReject = 1.0e-4;
constexpr double kDelay = 0.0101;
constexpr double kBounce = 0.0202;
constexpr double kComplaint = 0.0005;
constexpr double kOpen = 0.26;
constexpr double kOpenAgain = 0.2606;
constexpr double kClick = 0.2155;

constexpr std::array<double, 24> kByHour = {0.35, 0.28, 0.25, 0.25, 0.3,  0.45, 0.75, 1.1,
                                            1.5,  1.7,  1.65, 1.5,  1.4,  1.45, 1.5,  1.45,
                                            1.4,  1.35, 1.25, 1.1,  0.95, 0.8,  0.6,  0.45};
constexpr std::array<double, 7> kByWeekday = {0.6, 1.1, 1.2, 1.15, 1.15, 1.1, 0.7};  // from Sunday

std::int64_t RequestEveryMs(const SesCorpus::Options& options) {
  const double requests =
      static_cast<double>(options.events) / static_cast<double>(options.request_events);
  return std::max<std::int64_t>(
      1, static_cast<std::int64_t>(static_cast<double>(kHours * kHourMs) / requests));
}

std::vector<double> ShareBeforeEachHour(std::int64_t start_ms) {
  std::vector<double> sums{0};
  for (std::size_t i = 0; i < kHours; ++i) {
    const std::int64_t hour = start_ms / kHourMs + static_cast<std::int64_t>(i);
    // 1970 began on a Thursday.
    sums.push_back(sums.back() + kByHour[static_cast<std::size_t>(hour % 24)] *
                                     kByWeekday[static_cast<std::size_t>((hour / 24 + 4) % 7)]);
  }
  for (double& sum : sums) sum /= sums.back();
  return sums;
}

}  // namespace

SesCorpus::SesCorpus(Options options)
    : options_(options),
      mails_(static_cast<double>(options.events) / kEventsPerMail),
      request_every_ms_(RequestEveryMs(options)),
      hours_(ShareBeforeEachHour(options.start_ms)),
      horizon_ms_(options.start_ms),
      writer_(options.variant),
      ids_(Mix(options.seed + 7)) {}

std::int64_t SesCorpus::TimeOfMail(std::uint64_t number) {
  const double share = static_cast<double>(number) / mails_;
  if (share >= 1) {  // behind the thirty days, at the mean rate
    return options_.start_ms + static_cast<std::int64_t>(share * kHours * kHourMs);
  }
  while (hours_[hour_ + 1] <= share) ++hour_;
  const double within = (share - hours_[hour_]) / (hours_[hour_ + 1] - hours_[hour_]);
  return options_.start_ms + static_cast<std::int64_t>((static_cast<double>(hour_) + within) *
                                                       static_cast<double>(kHourMs));
}

void SesCorpus::Schedule(
    const Mail& mail, EventType type, std::size_t about, std::int64_t at_ms, Draws& draws) {
  Pending pending;
  pending.moment.at_ms = at_ms;
  pending.moment.arrival_ms =
      at_ms + 180 + static_cast<std::int64_t>(draws.Exponential(draws.Chance(0.01) ? 8000 : 300));
  pending.moment.sent_ms = mail.sent_ms;
  pending.moment.mail_seed = mail.seed;
  pending.moment.type = type;
  pending.moment.about = static_cast<std::uint8_t>(about);
  pending.moment.ordinal = ordinal_++;
  pending.order = scheduled_++;
  pending_.push(pending);
}

void SesCorpus::SendOne() {
  const std::uint64_t number = mails_sent_++;
  const std::uint64_t seed = Mix(Mix(options_.seed) + number);
  Draws draws(~seed);
  const std::int64_t sent_ms =
      TimeOfMail(number) + static_cast<std::int64_t>(draws.Exponential(15'000));
  const Mail mail = draw_(seed, sent_ms);
  ordinal_ = 0;
  horizon_ms_ = TimeOfMail(number + 1);
  const auto later = [&](double mean_ms) {
    return sent_ms + 20 + static_cast<std::int64_t>(draws.Exponential(mean_ms));
  };
  if (draws.Chance(kRenderingFailure)) {
    Schedule(mail, EventType::kRenderingFailure, kMailRecipientsMax, later(100), draws);
    return;
  }
  Schedule(mail, EventType::kSend, kMailRecipientsMax, sent_ms, draws);
  if (draws.Chance(kReject)) {
    Schedule(mail, EventType::kReject, kMailRecipientsMax, later(1000), draws);
    return;
  }
  for (std::size_t i = 0; i < mail.recipients; ++i) DeliverTo(mail, i, draws);
}

void SesCorpus::DeliverTo(const Mail& mail, std::size_t recipient, Draws& draws) {
  std::int64_t at_ms = mail.sent_ms + 250 + static_cast<std::int64_t>(draws.LogNormal(900, 0.9));
  if (draws.Chance(kDelay)) {
    at_ms += 60'000 + static_cast<std::int64_t>(draws.Exponential(600'000));
    Schedule(mail, EventType::kDelay, recipient, at_ms, draws);
    at_ms += 300'000 + static_cast<std::int64_t>(draws.Exponential(3'600'000));
  }
  if (draws.Chance(kBounce)) {
    Schedule(mail, EventType::kBounce, recipient, at_ms, draws);
    return;
  }
  Schedule(mail, EventType::kDelivery, recipient, at_ms, draws);
  if (draws.Chance(kComplaint)) {
    Schedule(mail,
             EventType::kComplaint,
             recipient,
             at_ms + static_cast<std::int64_t>(draws.Exponential(6 * kHourMs)),
             draws);
  }
  if (draws.Chance(kOpen)) Read(mail, recipient, at_ms, draws);
}

void SesCorpus::Read(const Mail& mail,
                     std::size_t recipient,
                     std::int64_t delivered_ms,
                     Draws& draws) {
  std::int64_t at_ms = delivered_ms;
  do {
    const double wait_ms = std::min(draws.LogNormal(2'400'000, 1.6), 6.0 * 24 * kHourMs);
    at_ms += 2000 + static_cast<std::int64_t>(wait_ms);
    Schedule(mail, EventType::kOpen, recipient, at_ms, draws);
    if (draws.Chance(kClick)) {
      const std::int64_t read_ms = 3000 + static_cast<std::int64_t>(draws.Exponential(20'000));
      Schedule(mail, EventType::kClick, recipient, at_ms + read_ms, draws);
    }
  } while (draws.Chance(kOpenAgain) && ordinal_ < 200);
}

void SesCorpus::Identify(store::Event& event) {
  if (options_.variant == Variant::kProduct || event.ingested_at_ms > request_ms_) {
    if (options_.variant == Variant::kRaw) {
      request_ms_ = (event.ingested_at_ms / request_every_ms_ + 1) * request_every_ms_;
    }
    request_low_ = ids_.Next() >> 1;
    request_high_ = ids_.Next();
  }
  if (options_.variant == Variant::kRaw) event.ingested_at_ms = request_ms_;
  const std::uint64_t low = request_low_++;
  std::array<std::uint8_t, 10> unique{};
  for (std::size_t i = 0; i < 8; ++i) {
    unique[2 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  unique[0] = static_cast<std::uint8_t>(request_high_ >> 57);
  unique[1] = static_cast<std::uint8_t>(request_high_);
  event.id = store::EventId::Make(event.ingested_at_ms, unique);
}

void SesCorpus::Next(store::NewEvent& entry) {
  while (pending_.empty() || pending_.top().moment.arrival_ms > horizon_ms_) SendOne();
  const Moment moment = pending_.top().moment;
  pending_.pop();
  writer_.Write(moment, draw_, entry);
  Identify(entry.event);
}

store::NewEvent SesCorpus::Next() {
  store::NewEvent entry;
  Next(entry);
  return entry;
}

}  // namespace postglass::bench
