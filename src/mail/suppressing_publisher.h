#pragma once

#include <functional>
#include <string>

#include "base/metrics.h"
#include "mail/configuration_sets.h"
#include "mail/suppression_list.h"
#include "mail/types.h"

namespace postglass::mail {

// Puts the recipients of hard bounces and complaints on the suppression list, for the reasons that
// the configuration set or else the account has chosen, and hands every event on. Thread-safe.
// An address of the mailbox simulator never gets there, as with SES.
class SuppressingPublisher final : public EventPublisher {
 public:
  using IsSimulated = std::function<bool(const std::string& address)>;

  // All must outlive it.
  SuppressingPublisher(EventPublisher& next,
                       SuppressionList& list,
                       const ConfigurationSets& sets,
                       IsSimulated is_simulated,
                       Metrics& metrics);

  // As EventPublisher; `done` gets the error when the list could not be written.
  void PublishAsync(const MailEvent& event,
                    std::string key,
                    std::function<void(Status)> done) override;

 private:
  Status Note(const MailEvent& event);

  EventPublisher& next_;
  SuppressionList& list_;
  const ConfigurationSets& sets_;
  const IsSimulated is_simulated_;
  Counter& added_;
};

}  // namespace postglass::mail
