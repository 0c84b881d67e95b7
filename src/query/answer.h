#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "query/mail_view.h"
#include "query/runner.h"

namespace postglass::query {

// What the store knows apart from the question; it tells the readings of an empty answer apart.
struct StoreAge {
  std::uint64_t events = 0;
  std::optional<Timestamp> first_event_at;       // nothing: the store is empty
  std::optional<Timestamp> last_event_taken_at;  // by the intake
  bool writable = true;
  std::string not_writable_because;
};

struct NearAddress {
  std::string address;
  std::uint64_t mails = 0;
};

// Everything stored about an address or a message id.
struct Answer {
  enum class Kind { kAddress, kMessageId };

  std::string asked;  // as understood: the bare address or id
  Kind kind = Kind::kAddress;
  Timestamp now;
  std::vector<MailView> mails;    // newest first; for a message id one a recipient
  std::uint64_t mails_count = 0;  // all there are; more than mails.size() when cut
  std::string summary;            // the card's text, of the newest mail, or why there is nothing
  StoreAge store;
  std::optional<NearAddress> near;  // only when nothing was found
  std::vector<std::string> damage;  // stored events that could not be read
  bool incomplete = false;          // more events match than were looked at
};

// One mail with all its events.
struct MailDetail {
  std::vector<MailView> views;       // one a recipient
  std::vector<store::Event> events;  // oldest first
  std::vector<std::string> damage;
  bool incomplete = false;
};

// The support question: what became of the mails to this address? Looks at everything stored.
// Thread-safe; blocks.
class AnswerService {
 public:
  struct Options {
    MailViewOptions view;
    std::size_t mails_max = 50;      // in one answer
    std::size_t events_max = 5'000;  // looked at for one answer
    // The look for a near miss: distinct recipients compared at a time, and how long it may take.
    std::size_t near_addresses_max = 20'000;
    std::chrono::milliseconds near_time_max{300};
  };

  static constexpr std::size_t kAskedBytesMax = 1'024;

  // Both must outlive the service.
  AnswerService(QueryRunner& runner, const Clock& clock)
      : AnswerService(runner, clock, Options()) {}

  AnswerService(QueryRunner& runner, const Clock& clock, Options options)
      : runner_(runner), clock_(clock), options_(options) {}

  // `asked` is an address in any letter case, "Name <a@b>", or a message id (the provider's or the
  // Message-ID header's), blanks around. Errors: kInvalidArgument (empty or too long), and those of
  // QueryRunner::Run.
  Result<Answer> AnswerFor(std::string_view asked);

  // By the provider's message id. kNotFound when no event has it; else as above.
  Result<MailDetail> MailById(std::string_view message_id);

 private:
  struct Found {
    std::vector<store::Event> events;
    std::vector<std::string> damage;
    bool more = false;
  };

  Result<Found> Select(store::Predicate where);
  // The recipient most like `asked`: of the newest events and then of older ones, as far back as
  // the time allows.
  Result<std::optional<NearAddress>> Nearest(const std::string& asked);
  Result<NearAddress> WithMails(std::string address);
  StoreAge Age() const;

  QueryRunner& runner_;
  const Clock& clock_;
  const Options options_;
};

// Optimal string alignment distance without regard to ASCII case, or `bound` + 1 when it is larger.
std::size_t EditDistance(std::string_view a, std::string_view b, std::size_t bound);

}  // namespace postglass::query
