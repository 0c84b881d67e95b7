#pragma once

#include "aws/service.h"
#include "base/metrics.h"
#include "base/random.h"
#include "mail/account.h"
#include "mail/configuration_sets.h"
#include "mail/dkim_signing.h"
#include "mail/email_templates.h"
#include "mail/identities.h"
#include "mail/suppression_list.h"
#include "mail/types.h"
#include "topics/publisher.h"

namespace postglass::mail {

// What both SES APIs act on. All of it must outlive the APIs.
struct SesBackend {
  aws::Account account;
  Mailer& mailer;
  ConfigurationSets& configuration_sets;
  Identities& identities;
  EmailTemplates& templates;
  SuppressionList& suppression;
  AccountState& account_state;
  DkimSigning& dkim;
  topics::SesPublisher& publisher;  // to the topics of identities
  const Clock& clock;
  Random& random;  // boundaries of built messages
  Metrics& metrics;
};

// GetSendQuota must name a number; this one stands for "no limit".
inline constexpr double kMaxSendRateShown = 100'000;

}  // namespace postglass::mail
