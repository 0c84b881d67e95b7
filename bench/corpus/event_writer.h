#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "bench/corpus/event_facts.h"
#include "bench/corpus/layout.h"
#include "store/types.h"

namespace postglass::bench {

// What is stored of an event.
enum class Variant {
  kRaw,      // attributes: the event's JSON as SES sends it
  kProduct,  // the SNS record and the normalised view beside it, as src/pipelines makes them
};

// One event that is going to happen.
struct Moment {
  std::int64_t arrival_ms = 0;  // at the intake
  std::int64_t at_ms = 0;
  std::int64_t sent_ms = 0;  // the mail
  std::uint64_t mail_seed = 0;
  EventType type = EventType::kSend;
  std::uint8_t about = kMailRecipientsMax;
  std::uint8_t ordinal = 0;  // among the mail's events
};

// Writes events as text. Holds the fixed text of all layouts that it has needed, some megabytes.
class EventWriter {
 public:
  explicit EventWriter(Variant variant) : variant_(variant), layouts_(kTenants * kTemplates) {}

  // Fills all of `entry` but the id; what the event says is in facts() until the next call.
  void Write(const Moment& moment, const MailDraw& draw, store::NewEvent& entry);

  const EventFacts& facts() const { return facts_; }

 private:
  struct SenderLayouts {
    std::array<Layout, 3> mail;  // by MailForm
    std::array<Layout, 3> email;
    std::array<Layout, 3> headers;
  };

  std::string& Value(Slot slot);  // emptied
  const SenderLayouts& LayoutsOf(const Mail& mail);
  void FillMail();
  void FillEvent(const Moment& moment, Draws& draws);
  void FillReader(Draws& draws);
  void FillRecipients();
  void AppendNormalised(const Moment& moment, std::string& out) const;
  void AppendEmail(std::string& out) const;
  void AppendSmtp(std::string& out) const;
  void AppendMessage(std::string& out) const;

  bool IsRead() const {
    return facts_.type == EventType::kOpen || facts_.type == EventType::kClick;
  }

  MailForm form() const;

  const std::string& At(Slot slot) const { return values_[static_cast<std::size_t>(slot)]; }

  const Variant variant_;
  std::vector<std::unique_ptr<SenderLayouts>> layouts_;  // by tenant and template, when needed
  const SenderLayouts* sender_ = nullptr;
  EventFacts facts_;
  SlotValues values_;
};

}  // namespace postglass::bench
