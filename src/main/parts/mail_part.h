#pragma once

#include <memory>

#include "mail/delivery/capture.h"
#include "mail/delivery/relay.h"
#include "mail/delivery/scenarios.h"
#include "mail/delivery/spool.h"
#include "mail/delivery/suppression_carrier.h"
#include "mail/dkim_signing.h"
#include "mail/email_templates.h"
#include "mail/event_publisher.h"
#include "mail/identity_notifications.h"
#include "mail/mail_service.h"
#include "mail/suppressing_publisher.h"
#include "mail/tracking/link_rewriter.h"
#include "mail/tracking/tracking_handler.h"
#include "main/parts/access_part.h"
#include "main/parts/destinations_part.h"
#include "main/parts/part_context.h"
#include "main/parts/store_part.h"
#include "main/parts/topics_part.h"
#include "main/stored_mail_lookup.h"
#include "net/smtp.h"

namespace postglass {

// The SES-compatible service: what it knows (sets, identities, templates, suppressed addresses),
// how mail leaves, and what it tells of it.
struct MailPart {
  static Result<std::unique_ptr<MailPart>> Make(PartContext& context,
                                                AccessPart& access,
                                                StorePart& store,
                                                TopicsPart& topics,
                                                DestinationsPart& destinations);

  std::unique_ptr<mail::ConfigurationSets> configuration_sets;
  std::unique_ptr<mail::Identities> identities;
  std::unique_ptr<mail::DkimSigning> dkim;
  std::unique_ptr<mail::EmailTemplates> templates;
  std::unique_ptr<mail::SuppressionList> suppression;
  std::unique_ptr<mail::AccountState> account_state;

  // What is told: each publisher hands on to the one before it.
  std::unique_ptr<mail::SnsEventPublisher> event_publisher;
  std::unique_ptr<mail::IdentityNotifications> identity_notifications;
  std::unique_ptr<mail::SuppressingPublisher> suppressing_publisher;

  std::unique_ptr<StoredMailLookup> stored_mails;
  std::unique_ptr<mail::RecentMails> recent_mails;

  // Ways out: `carriers` chooses between what is suppressed and `senders`, these between scenarios
  // and `outward`.
  std::unique_ptr<mail::CapturedMails> captured;
  std::unique_ptr<mail::ScenarioCarrier> scenarios;
  std::unique_ptr<net::SmtpClient> smtp_client;
  std::unique_ptr<mail::Carrier> outward;  // capture or relay
  std::unique_ptr<mail::CarrierRouter> senders;
  std::unique_ptr<mail::SuppressionCarrier> suppressing_carrier;
  std::unique_ptr<mail::CarrierRouter> carriers;

  std::unique_ptr<mail::DeliverySpool> spool;
  std::unique_ptr<GuardedSpool> guarded_spool;
  std::unique_ptr<mail::LinkRewriter> rewriter;
  std::unique_ptr<mail::TrackingHandler> tracking;
  std::unique_ptr<mail::MailService> mailer;

 private:
  Status MakeKnowledge(PartContext& context, TopicsPart& topics, DestinationsPart& destinations);
  Status MakeWaysOut(PartContext& context, AccessPart& access);
  Status MakeSpool(PartContext& context, TopicsPart& topics, DestinationsPart& destinations);
};

}  // namespace postglass
