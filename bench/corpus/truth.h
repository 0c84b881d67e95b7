#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/corpus/event_facts.h"

namespace postglass::bench {

// The right answers, counted while the events are made: of all events noted so far.
class Truth {
 public:
  static constexpr std::size_t kHeadRanks = 16'384;  // the busiest recipients, always counted
  // Up to so many events everybody is counted: then one mail to five can make a busiest recipient.
  static constexpr std::uint64_t kEveryoneEventsMax = 300'000;
  static constexpr std::size_t kFilterTenant = 0;
  static constexpr std::size_t kFilterSourceIp = 2;

  using Counts = std::vector<std::pair<std::string, std::uint64_t>>;

  struct KnownMail {
    std::string message_id;
    std::uint64_t events = 0;
  };

  // Counts of one field's values; `filtered`: only events from source IP kFilterSourceIp.
  enum class Facet { kType, kTenant, kTemplate, kConfigurationSet, kStatus };
  enum class Scope { kAll, kFiltered };

  // Of a corpus of so many events from then on.
  Truth(std::uint64_t events, std::int64_t start_ms);

  void Note(const EventFacts& facts);

  std::uint64_t events() const { return events_; }

  std::int64_t newest_ms() const { return newest_ms_; }

  // All values of the field with their counts, most frequent first, ties by value.
  Counts Values(Facet facet, Scope scope) const;
  std::uint64_t Filtered() const;

  // By mail.destination; `tenant_only`: of tenant kFilterTenant alone.
  std::uint64_t EventsOf(Rank rank) const;  // of the head, or of the rare ranks watched
  Counts TopRecipients(Scope scope, std::size_t limit) const;
  Rank medium_recipient() const;  // some 41 events
  Rank rare_recipient() const;    // three events, or as few as can be

  // By email.recipient.domain, consumer domains only.
  Counts Domains() const;
  Counts BouncesByDomain() const;

  // By hour since start_ms, then type.
  using Hour = std::array<std::uint64_t, kEventTypes>;

  const std::vector<Hour>& hours() const { return hours_; }

  std::uint64_t HardBouncesSince(std::int64_t ms) const;

  // Processing times of some days: day since start_ms, values.
  const std::vector<std::pair<std::size_t, std::vector<std::uint32_t>>>& processing() const {
    return processing_;
  }

  std::uint64_t mailbox = 0;         // events that hold this word
  std::uint64_t does_not_exist = 0;  // this phrase
  std::uint64_t queued_as = 0;       // this phrase
  std::uint64_t quarantined = 0;     // this word
  std::uint64_t password = 0;        // in the subject

  // Some 400 mails, and as many recipients drawn by event.
  std::vector<KnownMail> Mails() const;

  const std::vector<Rank>& drawn_recipients() const { return drawn_; }

 private:
  static constexpr Rank kRareFirst = 1'000'000;
  static constexpr std::size_t kRareRanks = 4'096;
  static constexpr std::size_t kStatuses = 4;
  static constexpr std::size_t kCells = kEventTypes * kTenants * kTemplates;

  struct Cube {
    std::vector<std::uint32_t> cells = std::vector<std::uint32_t>(kCells);
    std::array<std::uint64_t, kStatuses> statuses{};
  };

  void NoteWords(const EventFacts& facts);
  void NoteRecipients(const EventFacts& facts);

  struct PersonCounts {
    std::uint32_t all = 0;
    std::uint32_t of_tenant = 0;
  };

  const std::int64_t start_ms_;
  const bool everyone_;
  const std::uint64_t mails_step_;  // one mail in so many is followed
  const std::uint64_t drawn_step_;
  std::uint64_t events_ = 0;
  std::int64_t newest_ms_ = 0;
  Cube all_;
  Cube filtered_;
  std::vector<PersonCounts> head_ = std::vector<PersonCounts>(kHeadRanks);
  std::unordered_map<Rank, PersonCounts> others_;
  std::vector<std::uint32_t> rare_ = std::vector<std::uint32_t>(kRareRanks);
  std::array<std::uint64_t, kConsumerDomains> domains_{};
  std::array<std::uint64_t, kConsumerDomains> bounces_{};
  std::vector<Hour> hours_;
  std::vector<std::int64_t> hard_bounces_ms_;
  std::vector<std::pair<std::size_t, std::vector<std::uint32_t>>> processing_;
  std::unordered_map<std::uint64_t, KnownMail> mails_;
  std::vector<Rank> drawn_;
};

}  // namespace postglass::bench
