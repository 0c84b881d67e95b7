#include "main/parts/mail_part.h"

#include "base/log.h"
#include "mail/tracking/links.h"

namespace postglass {
namespace {

net::SmtpTarget RelayTarget(const Options& options) {
  net::SmtpTarget target;
  target.host = options.String("relay.host");
  target.port = static_cast<int>(options.Integer("relay.port"));
  const std::string tls = options.String("relay.tls");
  if (tls == "never") target.tls = net::SmtpTarget::Tls::kNever;
  if (tls == "required") target.tls = net::SmtpTarget::Tls::kRequired;
  if (tls == "implicit") target.tls = net::SmtpTarget::Tls::kImplicit;
  target.user = options.String("relay.user");
  target.password = options.String("relay.password");
  return target;
}

Result<mail::ScenarioTable> Scenarios(const Options& options) {
  std::vector<mail::ScenarioTable::Mapping> mappings;
  for (const auto& [pattern, scenario] : options.Table("mail.scenarios")) {
    mappings.push_back({pattern, scenario});
  }
  return mail::ScenarioTable::Create(mappings);
}

// As the options say; the sandbox of a new SES account has 200 mails in 24 hours, one a second.
mail::AccountState::Quotas QuotasOf(const Options& options) {
  mail::AccountState::Quotas quotas = options.Bool("mail.sandbox")
                                          ? mail::AccountState::Quotas{200, 1}
                                          : mail::AccountState::Quotas{};
  if (const auto day = options.Integer("mail.max_24_hour_send"); day > 0) {
    quotas.max_24_hour_send = static_cast<double>(day);
  }
  if (const auto rate = options.Integer("mail.max_send_rate"); rate > 0) {
    quotas.max_send_rate = static_cast<double>(rate);
  }
  return quotas;
}

}  // namespace

Status MailPart::MakeKnowledge(PartContext& context,
                               TopicsPart& topics,
                               DestinationsPart& destinations) {
  const Server::World& world = context.world;
  const Options& options = context.options;
  Settings& settings = context.directory.settings();
  ASSIGN_OR_RETURN(configuration_sets,
                   mail::ConfigurationSets::Load({context.account,
                                                  settings,
                                                  *topics.topics,
                                                  world.clock,
                                                  world.random,
                                                  destinations.streams.get()}));
  ASSIGN_OR_RETURN(
      identities,
      mail::Identities::Load(
          {context.account, options.Bool("mail.require_verified"), options.Bool("mail.sandbox")},
          settings,
          world.clock));
  dkim = std::make_unique<mail::DkimSigning>(
      *identities, context.directory.secret_box(), world.clock, context.metrics);
  ASSIGN_OR_RETURN(account_state,
                   mail::AccountState::Load(
                       QuotasOf(options), settings, world.clock, destinations.metric_store.get()));
  ASSIGN_OR_RETURN(templates, mail::EmailTemplates::Load(context.account, settings, world.clock));
  ASSIGN_OR_RETURN(suppression, mail::SuppressionList::Load(settings, world.clock));
  return {};
}

Status MailPart::MakeWaysOut(PartContext& context, AccessPart& access) {
  const Server::World& world = context.world;
  const Options& options = context.options;
  mail::CapturedMails::Options capture;
  capture.retention =
      std::chrono::duration_cast<std::chrono::hours>(options.Duration("capture.retention"));
  capture.bytes_max = options.Bytes("capture.bytes_max");
  capture.durability = context.durability();
  capture.commit_spacing = kCommitSpacing;
  ASSIGN_OR_RETURN(captured,
                   mail::CapturedMails::Open(world.fs,
                                             world.clock,
                                             context.metrics,
                                             context.directory.secret_box(),
                                             context.directory.capture(),
                                             capture));
  ASSIGN_OR_RETURN(mail::ScenarioTable table, Scenarios(options));
  net::HttpClient& readers = *access.readers;
  scenarios = std::make_unique<mail::ScenarioCarrier>(
      std::move(table),
      mail::ScenarioCarrier::Options{context.account.region, "Suppressed", 1},
      [&readers](const mail::Mail& mail, const std::string& recipient, mail::Visit visit) {
        const Status read =
            mail::ReadTrackedMail(readers,
                                  mail.raw,
                                  recipient,
                                  visit == mail::Visit::kClick ? mail::ReaderDoes::kOpenAndClick
                                                               : mail::ReaderDoes::kOpen);
        if (!read) log::Warn("mail", "a simulated reader failed: {}", read.error().message);
      },
      world.random,
      context.metrics);
  if (options.String("mail.mode") == "relay") {
    smtp_client = net::MakeSmtpClient();
    mail::RelayCarrier::Options relay;
    relay.target = RelayTarget(options);
    relay.region = context.account.region;
    relay.pauses = options.Durations("relay.retry_after");
    relay.life = options.Duration("relay.give_up_after");
    relay.fields_in_front = [&signing = *dkim](const mail::Mail& mail) {
      return signing.FieldFor(mail.raw);
    };
    outward = std::make_unique<mail::RelayCarrier>(
        *smtp_client, world.clock, std::move(relay), world.random, context.metrics);
  } else {
    outward = std::make_unique<mail::CaptureCarrier>(*captured, context.metrics);
  }
  mail::ScenarioCarrier& played = *scenarios;
  senders = std::make_unique<mail::CarrierRouter>(
      [&played](const mail::Mail& mail, std::size_t recipient) {
        return played.Wants(mail, recipient);
      },
      played,
      *outward);
  suppressing_carrier = std::make_unique<mail::SuppressionCarrier>(
      context.account.region, world.random, context.metrics);
  carriers = std::make_unique<mail::CarrierRouter>(
      mail::SuppressionCarrier::Wants, *suppressing_carrier, *senders);
  return {};
}

Status MailPart::MakeSpool(PartContext& context,
                           TopicsPart& topics,
                           DestinationsPart& destinations) {
  const Server::World& world = context.world;
  event_publisher = std::make_unique<mail::SnsEventPublisher>(
      mail::SnsEventPublisher::Dependencies{*configuration_sets,
                                            *topics.topics,
                                            *account_state,
                                            world.clock,
                                            context.metrics,
                                            mail::EventRendering{"127.0.0.1"},
                                            destinations.event_metrics.get(),
                                            destinations.streams.get()});
  identity_notifications =
      std::make_unique<mail::IdentityNotifications>(*event_publisher, *identities, *topics.topics);
  mail::ScenarioCarrier& played = *scenarios;
  suppressing_publisher = std::make_unique<mail::SuppressingPublisher>(
      *identity_notifications,
      *suppression,
      *configuration_sets,
      [&played](const std::string& address) { return played.Plays(address); },
      context.metrics);
  mail::DeliverySpool::Options options;
  options.durability = context.durability();
  ASSIGN_OR_RETURN(spool,
                   mail::DeliverySpool::Open(world.fs,
                                             world.clock,
                                             context.metrics,
                                             context.directory.secret_box(),
                                             context.directory.spool(),
                                             *carriers,
                                             *suppressing_publisher,
                                             recent_mails.get(),
                                             options));
  context.NoteRecovery("spool", spool->recovery());
  guarded_spool = std::make_unique<GuardedSpool>(*spool, *context.disk);
  return {};
}

Result<std::unique_ptr<MailPart>> MailPart::Make(PartContext& context,
                                                 AccessPart& access,
                                                 StorePart& store,
                                                 TopicsPart& topics,
                                                 DestinationsPart& destinations) {
  auto part = std::make_unique<MailPart>();
  RETURN_IF_ERROR(part->MakeKnowledge(context, topics, destinations));
  part->stored_mails = std::make_unique<StoredMailLookup>(*store.store);
  part->recent_mails =
      std::make_unique<mail::RecentMails>(mail::RecentMails::Limits(), part->stored_mails.get());
  RETURN_IF_ERROR(part->MakeWaysOut(context, access));
  RETURN_IF_ERROR(part->MakeSpool(context, topics, destinations));

  const mail::TrackingUrls urls(context.directory.secret_box());
  part->rewriter = std::make_unique<mail::LinkRewriter>(
      urls,
      [&context] { return context.addresses.public_url(); },
      context.options.Bool("intake.masking") ? mail::LinkRewriter::Secrets::kLeave
                                             : mail::LinkRewriter::Secrets::kTrack);
  part->tracking = std::make_unique<mail::TrackingHandler>(
      urls, *part->guarded_spool, *part->recent_mails, context.world.clock, context.metrics);
  part->mailer =
      std::make_unique<mail::MailService>(mail::MailService::Dependencies{context.account,
                                                                          *part->configuration_sets,
                                                                          *part->identities,
                                                                          *part->suppression,
                                                                          *part->account_state,
                                                                          *part->guarded_spool,
                                                                          *part->rewriter,
                                                                          context.world.clock,
                                                                          context.world.random,
                                                                          context.metrics});
  context.health.Add("mail", [&context, &spool = *part->spool]() -> Health::Finding {
    if (const Status may = context.disk->MayWrite(); !may) return {false, may.error().message};
    if (spool.health() != journal::Journal::Health::kOk) return {false, spool.health_reason()};
    return {true, context.disk->Warning()};
  });
  return part;
}

}  // namespace postglass
