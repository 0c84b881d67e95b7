#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "aws/service.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/random.h"
#include "mail/account.h"
#include "mail/configuration_sets.h"
#include "mail/identities.h"
#include "mail/suppression_list.h"
#include "mail/types.h"

namespace postglass::mail {

// Acceptance: checks a submission as SES does, makes the Mail of it and has the spool keep it.
// Thread-safe. One message to several recipients stays one mail.
//
// The configuration set is the submission's, else the X-SES-CONFIGURATION-SET header's, else the
// sending identity's, else `default` when there is such a set.
class MailService final : public Mailer {
 public:
  struct Dependencies {
    aws::Account account;
    const ConfigurationSets& configuration_sets;
    const Identities& identities;
    const SuppressionList& suppression;
    AccountState& account_state;
    Spool& spool;
    const TrackingRewriter& tracking;
    const Clock& clock;
    Random& random;
    Metrics& metrics;
  };

  // All dependencies must outlive it.
  explicit MailService(const Dependencies& dependencies);

  // An id: the mail and its Send event are durable. kUnavailable: nothing is, send again.
  SendOutcome Send(Submission submission) override;
  void SendAsync(Submission submission, std::function<void(SendOutcome)> done) override;

 private:
  struct Draft;

  std::optional<SendError> Prepare(Draft& draft) const;
  std::optional<SendError> ReadSender(Draft& draft) const;
  std::optional<SendError> ReadRecipients(Draft& draft) const;
  std::optional<SendError> ReadTags(Draft& draft) const;
  std::optional<SendError> ResolveSet(Draft& draft) const;
  std::optional<SendError> CheckIdentities(const Draft& draft) const;
  std::optional<SendError> CheckPolicies(const Draft& draft) const;
  std::optional<SendError> Admit(const Draft& draft) const;
  Mail MakeMail(Draft& draft) const;
  void RecordFailure(Draft& draft,
                     std::size_t door,
                     const std::function<void(SendOutcome)>& done) const;
  SendError Refuse(std::size_t door, SendError why) const;

  const Dependencies on_;
  std::array<Counter*, 7> accepted_;  // by door
};

// The label of metrics for a refusal: "invalid_parameter".
std::string_view SendErrorName(SendError::Kind kind);

}  // namespace postglass::mail
