#pragma once

#include <cstdint>
#include <queue>
#include <string>
#include <vector>

#include "base/random_testing.h"
#include "store/types.h"

namespace postglass::bench {

// Processed mail events as the store gets them: the fields of SES's own events and the normalised
// view beside them, about 1.9 KB each. The same seed gives the same events.
//
// A mail is sent, then delivered, delayed or bounced, then maybe opened and clicked; events come in
// order of time. Recipients are Zipf-distributed: a few get very much, most get one mail.
class SesCorpus {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::uint32_t recipients = 200'000;
    std::int64_t start_ms = 1'795'000'000'000;
    double mails_per_second = 2;
  };

  explicit SesCorpus(Options options);

  store::NewEvent Next();
  // Address of the n-th most frequent recipient.
  std::string Recipient(std::uint32_t rank) const;

 private:
  enum class Kind { kSend, kDelivery, kDelay, kBounce, kComplaint, kOpen, kClick };

  struct Mail {
    std::string message_id;
    std::string recipient;
    std::string subject;
    std::int64_t sent_ms = 0;
  };

  struct Pending {
    std::int64_t at_ms = 0;
    std::uint64_t order = 0;  // of equal times
    Kind kind = Kind::kSend;
    std::uint64_t mail = 0;

    bool operator>(const Pending& other) const {
      return at_ms != other.at_ms ? at_ms > other.at_ms : order > other.order;
    }
  };

  double Unit();  // [0, 1)

  bool Chance(double probability) { return Unit() < probability; }

  std::uint32_t ZipfRank();
  void SendOne();
  void Schedule(Kind kind, std::uint64_t mail, std::int64_t at_ms);
  std::string Detail(Kind kind, const Mail& mail, std::int64_t at_ms);
  std::string Attributes(Kind kind,
                         const Mail& mail,
                         std::int64_t at_ms,
                         const std::string& detail);

  const Options options_;
  SeededRandom random_;
  std::int64_t now_ms_;
  std::vector<Mail> mails_;  // a ring of the last ones
  std::uint64_t mails_sent_ = 0;
  std::uint64_t events_ = 0;
  std::priority_queue<Pending, std::vector<Pending>, std::greater<>> pending_;
};

}  // namespace postglass::bench
