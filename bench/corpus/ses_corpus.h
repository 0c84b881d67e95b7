#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "bench/corpus/event_writer.h"
#include "store/types.h"

namespace postglass::bench {

// Mail events as the store gets them, some 1.8 kB each, in the order in which they would arrive
// over thirty days; equal options give equal events. Nothing is kept but the events that are still
// to come of mails already sent, so any number of events can be made.
//
// A mail is sent, then delivered, delayed or bounced, then maybe opened, clicked and complained
// about, in the proportions of real traffic; days and nights differ.
class SesCorpus {
 public:
  static constexpr std::int64_t kDays = 30;

  struct Options {
    std::uint64_t seed = 1;
    std::uint64_t events = 5'000'000;           // that fill the thirty days
    std::int64_t start_ms = 1'761'955'200'000;  // 2025-11-01
    Variant variant = Variant::kRaw;
    // Raw events come by a shipper that sends what there is every so often, on average so many at
    // once: one time of ingest, ids in a row. Of the product each event comes by itself.
    std::uint32_t request_events = 100;
  };

  explicit SesCorpus(Options options);

  // Reuses the memory of `entry`. There is no end: beyond Options::events the traffic goes on.
  void Next(store::NewEvent& entry);
  store::NewEvent Next();

  // Of the last event; until the next one.
  const EventFacts& facts() const { return writer_.facts(); }

  std::int64_t start_ms() const { return options_.start_ms; }

 private:
  struct Pending {
    Moment moment;
    std::uint64_t order = 0;  // of equal times

    bool operator>(const Pending& other) const {
      return moment.arrival_ms != other.moment.arrival_ms
                 ? moment.arrival_ms > other.moment.arrival_ms
                 : order > other.order;
    }
  };

  std::int64_t TimeOfMail(std::uint64_t number);
  void SendOne();
  void DeliverTo(const Mail& mail, std::size_t recipient, Draws& draws);
  void Read(const Mail& mail, std::size_t recipient, std::int64_t delivered_ms, Draws& draws);
  void Schedule(const Mail& mail, EventType type, std::size_t about, std::int64_t at_ms, Draws&);
  void Identify(store::Event& event);

  const Options options_;
  const double mails_;  // in the thirty days
  const std::int64_t request_every_ms_;
  std::vector<double> hours_;  // share of the mails sent before each hour
  std::size_t hour_ = 0;       // of the last mail
  std::uint64_t mails_sent_ = 0;
  std::int64_t horizon_ms_;  // no mail to come is earlier
  MailDraw draw_;
  EventWriter writer_;
  std::priority_queue<Pending, std::vector<Pending>, std::greater<>> pending_;
  std::uint64_t scheduled_ = 0;
  std::uint8_t ordinal_ = 0;  // of the mail that is being sent
  Draws ids_;
  std::int64_t request_ms_ = 0;     // of the request that is being filled
  std::uint64_t request_high_ = 0;  // random parts of its ids
  std::uint64_t request_low_ = 0;
};

}  // namespace postglass::bench
