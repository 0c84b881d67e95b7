#include "main/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "access/iam_api.h"
#include "access/key_ring.h"
#include "access/sessions.h"
#include "access/users.h"
#include "api/admin.h"
#include "api/admin_api.h"
#include "api/assets.h"
#include "api/captured_api.h"
#include "api/dead_letters_api.h"
#include "api/erase_api.h"
#include "api/hook_refusals.h"
#include "api/search_api.h"
#include "api/session_api.h"
#include "aws/sts_service.h"
#include "base/crypto.h"
#include "base/log.h"
#include "cloudwatch/cloudwatch_api.h"
#include "cloudwatch/metric_store.h"
#include "functions/async_queue.h"
#include "functions/function_registry.h"
#include "functions/host.h"
#include "functions/lambda_api.h"
#include "intake/firehose_hook.h"
#include "intake/intake.h"
#include "intake/sns_hook.h"
#include "mail/api/ses_v1_api.h"
#include "mail/api/ses_v2_api.h"
#include "mail/delivery/capture.h"
#include "mail/delivery/relay.h"
#include "mail/delivery/scenarios.h"
#include "mail/delivery/spool.h"
#include "mail/event_metrics.h"
#include "mail/event_publisher.h"
#include "mail/mail_service.h"
#include "mail/smtp/submission_session.h"
#include "mail/tracking/link_rewriter.h"
#include "mail/tracking/links.h"
#include "mail/tracking/tracking_handler.h"
#include "main/bootstrap.h"
#include "main/disk_guard.h"
#include "main/health.h"
#include "main/installation.h"
#include "main/router.h"
#include "main/server_client.h"
#include "main/stored_mail_lookup.h"
#include "main/tls_files.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/smtp.h"
#include "pipelines/ses_pipeline.h"
#include "query/answer.h"
#include "query/search.h"
#include "queues/queue_service.h"
#include "queues/sqs_api.h"
#include "store/embedded/embedded_store.h"
#include "streams/firehose_api.h"
#include "streams/stream_service.h"
#include "topics/sns_api.h"
#include "topics/topic_service.h"

namespace postglass {
namespace {

constexpr std::chrono::seconds kDrainLimit{10};
// Nobody waits for outbox and capture but the stages behind them, which do better in batches. Far
// below what an event may take until it is searchable.
constexpr std::chrono::milliseconds kCommitSpacing{3};
constexpr std::string_view kSendPath = "/v2/email/outbound-emails";
// A send up to this size is worked out by the event loop itself (some 150 µs for a small mail).
constexpr std::size_t kSendAtOnceBytesMax = 64 << 10;
constexpr std::string_view kLambdaPathPrefixes[] = {
    "/2015-03-31/", "/2017-03-31/", "/2017-10-31/", "/2019-09-25/", "/2019-09-30/", "/2020-06-30/"};

// Where the doors are, once they are open; read by every thread that makes a URL for others.
class PublicAddresses {
 public:
  void Set(std::string own_http, std::string own_https, std::string configured) {
    MutexLock lock(mutex_);
    own_http_ = std::move(own_http);
    public_url_ = configured.empty() ? std::move(own_https) : std::move(configured);
  }

  std::string public_url() const {
    MutexLock lock(mutex_);
    return public_url_;
  }

  // Of the plain HTTP listener, for our own processes on this machine.
  std::string own_http() const {
    MutexLock lock(mutex_);
    return own_http_;
  }

 private:
  mutable Mutex mutex_;
  std::string own_http_ GUARDED_BY(mutex_);
  std::string public_url_ GUARDED_BY(mutex_) = "https://localhost";
};

std::string WithoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

std::string HostForUrl(const std::string& host) {
  // Listening on all interfaces, we are reached by name.
  if (host == "0.0.0.0" || host == "::") return "localhost";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

journal::Durability DurabilityOf(const Options& options) {
  return options.String("store.durability") == "os" ? journal::Durability::kOs
                                                    : journal::Durability::kFsync;
}

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

// The sandbox of a new SES account: 200 mails in 24 hours, one a second.
mail::AccountState::Quotas QuotasOf(const Options& options) {
  return options.Bool("mail.sandbox") ? mail::AccountState::Quotas{200, 1}
                                      : mail::AccountState::Quotas{};
}

class ServerImpl final : public Server {
 public:
  ServerImpl(const World& world, DataDirectory& directory, const Options& options)
      : world_(world), directory_(directory), options_(options) {}

  Status Compose();
  Result<json::object> Initialise(Resources resources) override;
  Result<Addresses> Listen() override;
  void ReloadTls() override;
  void Stop() override;

  const aws::Account& account() const override { return account_; }

 private:
  // In the order of the data, each on top of what the ones before made.
  Status ComposeAccess();
  Status ComposeTls();
  Status ComposeStore();
  Status ComposeIntake();
  Status ComposeFunctions();
  Status ComposeQueues();
  Status ComposeTopics();
  Status ComposeDestinations();
  Status ComposeMail();
  void ComposeAws();
  void ComposeApi();
  void ComposeHealth();
  void ComposeRoutes();
  void AddHookRoutes(Router& router);
  void LogDeliveryStatus(const std::string& group, std::vector<json::object> entries);
  void NoteRecovery(std::string_view what, const journal::Recovery& recovery);
  bool IsOperator(const net::HttpRequest& request) const;
  Result<TlsFiles> LoadTlsFiles();
  Result<std::string> ListenHttp(std::string_view key, std::shared_ptr<net::TlsServerContext> tls);
  Result<std::string> ListenSmtp(std::string_view key, net::SmtpServer::TlsMode mode);

  const World world_;
  DataDirectory& directory_;
  const Options options_;
  aws::Account account_;
  Metrics metrics_;
  Health health_;
  PublicAddresses addresses_;
  std::unique_ptr<net::HttpClient> outside_;  // to others
  std::unique_ptr<net::HttpClient> readers_;  // of simulated readers, who reach us by our own CA
  std::unique_ptr<DiskGuard> disk_;

  std::unique_ptr<access::KeyRing> keys_;
  std::unique_ptr<access::Users> users_;
  std::unique_ptr<access::IamStore> iam_store_;
  std::unique_ptr<access::Sessions> sessions_;
  std::shared_ptr<net::TlsServerContext> tls_;
  std::unique_ptr<aws::SnsSigner> signer_;

  std::unique_ptr<store::EmbeddedStore> store_;
  std::unique_ptr<query::QueryRunner> runner_;
  std::unique_ptr<query::SearchService> search_;
  std::unique_ptr<query::AnswerService> answers_;

  std::unique_ptr<pipelines::Engine> engine_;
  std::unique_ptr<intake::Intake> intake_;
  std::unique_ptr<intake::IssuerFetchingChainChecker> chain_;
  std::unique_ptr<intake::SnsHook> sns_hook_;
  std::unique_ptr<intake::FirehoseHook> firehose_hook_;
  net::HttpHandler intake_handler_;
  std::unique_ptr<net::HttpClient> loopback_;  // to our own intake, without a socket

  std::unique_ptr<functions::FunctionRegistry> function_registry_;
  std::unique_ptr<functions::Host> functions_;
  std::unique_ptr<functions::AsyncQueue> async_queue_;

  std::unique_ptr<queues::QueueService> queues_;
  std::unique_ptr<topics::TopicService> topics_;
  std::unique_ptr<cloudwatch::MetricStore> metric_store_;
  std::unique_ptr<mail::EventMetrics> event_metrics_;
  std::unique_ptr<streams::StreamService> streams_;

  std::unique_ptr<mail::ConfigurationSets> configuration_sets_;
  std::unique_ptr<mail::Identities> identities_;
  std::unique_ptr<mail::AccountState> account_state_;
  std::unique_ptr<mail::SnsEventPublisher> event_publisher_;
  std::unique_ptr<StoredMailLookup> stored_mails_;
  std::unique_ptr<mail::RecentMails> recent_mails_;
  std::unique_ptr<mail::CapturedMails> captured_;
  std::unique_ptr<mail::ScenarioCarrier> scenarios_;
  std::unique_ptr<net::SmtpClient> smtp_client_;
  std::unique_ptr<mail::Carrier> outward_;  // capture or relay
  std::unique_ptr<mail::CarrierRouter> carriers_;
  std::unique_ptr<mail::DeliverySpool> spool_;
  std::unique_ptr<GuardedSpool> guarded_spool_;
  std::unique_ptr<mail::LinkRewriter> rewriter_;
  std::unique_ptr<mail::TrackingHandler> tracking_;
  std::unique_ptr<mail::MailService> mailer_;

  std::unique_ptr<aws::Gateway> gateway_;
  std::unique_ptr<aws::StsService> sts_;
  std::unique_ptr<access::IamApi> iam_;
  std::unique_ptr<mail::SesV1Api> ses_v1_;
  std::unique_ptr<mail::SesV2Api> ses_v2_;
  std::unique_ptr<topics::SnsApi> sns_;
  std::unique_ptr<queues::SqsApi> sqs_;
  std::unique_ptr<cloudwatch::CloudWatchApi> cloudwatch_;
  std::unique_ptr<streams::FirehoseApi> firehose_;
  std::unique_ptr<functions::LambdaApi> lambda_;

  std::unique_ptr<api::Admin> admin_;
  std::unique_ptr<api::AdminApi> admin_api_;
  std::unique_ptr<api::SessionApi> session_api_;
  std::unique_ptr<api::CapturedApi> captured_api_;
  std::unique_ptr<api::DeadLettersApi> dead_letters_api_;
  std::unique_ptr<api::ReadGuard> read_guard_;
  std::unique_ptr<api::SearchApi> search_api_;
  std::unique_ptr<api::AssetServer> assets_;

  Router router_;
  Router hooks_router_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::HttpServer> hooks_;
  std::unique_ptr<net::SmtpServer> smtp_;
};

Status ServerImpl::Compose() {
  // What an ended process left behind must not lead anybody to a stranger's port.
  if (const Status gone = world_.fs.Remove(directory_.listening_file());
      !gone && gone.error().code != ErrorCode::kNotFound) {
    return Fail(gone.error());
  }
  ASSIGN_OR_RETURN(account_, LoadAccount(directory_.settings()));
  if (!directory_.damage().empty()) {
    log::Error("main", "{}", directory_.damage());
    health_.AddNotice(directory_.damage());
  }
  outside_ = net::MakeHttpClient({});
  disk_ =
      std::make_unique<DiskGuard>(world_.fs,
                                  world_.clock,
                                  metrics_,
                                  directory_.path(),
                                  DiskGuard::Limits{options_.Integer("store.disk_warn_percent"),
                                                    options_.Integer("store.disk_stop_percent")});
  RETURN_IF_ERROR(ComposeAccess());
  RETURN_IF_ERROR(ComposeTls());
  RETURN_IF_ERROR(ComposeStore());
  RETURN_IF_ERROR(ComposeIntake());
  RETURN_IF_ERROR(ComposeFunctions());
  RETURN_IF_ERROR(ComposeQueues());
  RETURN_IF_ERROR(ComposeTopics());
  RETURN_IF_ERROR(ComposeDestinations());
  RETURN_IF_ERROR(ComposeMail());
  ComposeAws();
  ComposeApi();
  ComposeHealth();
  ComposeRoutes();
  return {};
}

void ServerImpl::NoteRecovery(std::string_view what, const journal::Recovery& recovery) {
  if (recovery.torn_bytes_cut > 0) {
    log::Info("main",
              "{}: cut {} bytes of an unfinished tail that nobody was promised",
              what,
              recovery.torn_bytes_cut);
  }
  for (const std::string& damage : recovery.set_aside) {
    log::Error("main", "{}: {}", what, damage);
    health_.AddNotice(fmt::format("{}: {}", what, damage));
  }
}

Status ServerImpl::ComposeAccess() {
  ASSIGN_OR_RETURN(
      keys_,
      access::KeyRing::Load(
          directory_.settings(), directory_.secret_box(), world_.clock, world_.random));
  ASSIGN_OR_RETURN(
      users_,
      access::Users::Load(
          directory_.settings(), directory_.secret_box(), world_.clock, world_.random));
  ASSIGN_OR_RETURN(iam_store_, access::IamStore::Load(directory_.settings(), account_));
  sessions_ = std::make_unique<access::Sessions>(
      *iam_store_, directory_.secret_box(), world_.clock, world_.random);
  return {};
}

Result<TlsFiles> ServerImpl::LoadTlsFiles() {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  if (const std::string url = options_.String("public_url"); !url.empty()) {
    ASSIGN_OR_RETURN(const net::Url parsed, net::ParseUrl(url));
    names.push_back(parsed.host);
  }
  return LoadOrMakeTlsFiles(world_.fs,
                            world_.clock,
                            world_.random,
                            directory_.tls(),
                            names,
                            options_.String("tls.cert"),
                            options_.String("tls.key"));
}

Status ServerImpl::ComposeTls() {
  ASSIGN_OR_RETURN(const TlsFiles files, LoadTlsFiles());
  ASSIGN_OR_RETURN(tls_, net::TlsServerContext::Create(files.server));
  readers_ = net::MakeHttpClient({.system_roots = true, .extra_roots_pem = files.ca_pem});
  ASSIGN_OR_RETURN(signer_, aws::SnsSigner::Create(files.sns_signing));
  return {};
}

Status ServerImpl::ComposeStore() {
  store::EmbeddedStore::Options options;
  options.disk_warn_share = static_cast<double>(options_.Integer("store.disk_warn_percent")) / 100;
  options.disk_stop_share = static_cast<double>(options_.Integer("store.disk_stop_percent")) / 100;
  options.journal.durability = DurabilityOf(options_);
  if (const std::int64_t days = options_.Integer("store.retention_days"); days > 0) {
    options.retention.keep[0] = std::chrono::hours(24 * days);
  }
  options.retention.bytes_max = options_.Bytes("store.size_max");
  options.cache_bytes = options_.Bytes("store.cache_size");
  ASSIGN_OR_RETURN(store_,
                   store::EmbeddedStore::Open(
                       world_.fs, world_.clock, metrics_, directory_.store(), std::move(options)));
  for (const std::string& damage : store_->Describe().set_aside) {
    log::Error("store", "{}", damage);
  }
  runner_ = std::make_unique<query::QueryRunner>(
      *store_, world_.clock, metrics_, query::QueryRunner::Options());
  search_ = std::make_unique<query::SearchService>(*runner_, world_.clock);
  answers_ = std::make_unique<query::AnswerService>(*runner_, world_.clock);
  return {};
}

Status ServerImpl::ComposeIntake() {
  std::vector<pipelines::Pipeline> built_in;
  built_in.push_back(pipelines::MakeSesPipeline());
  engine_ = std::make_unique<pipelines::Engine>(std::move(built_in));
  intake_ =
      std::make_unique<intake::Intake>(*keys_,
                                       *engine_,
                                       *store_,
                                       world_.clock,
                                       world_.random,
                                       metrics_,
                                       intake::Intake::Options{options_.Bool("intake.masking")});
  intake_handler_ = [this](const net::HttpRequest& request) { return intake_->Handle(request); };
  loopback_ = net::MakeLoopbackClient(intake_handler_);
  ASSIGN_OR_RETURN(chain_, intake::IssuerFetchingChainChecker::Create(*outside_, {}));
  sns_hook_ = std::make_unique<intake::SnsHook>(
      intake::SnsHook::Options{options_.List("hooks.sns.topics"),
                               options_.Duration("hooks.sns.max_age")},
      *intake_,
      *outside_,
      *chain_,
      world_.clock,
      metrics_);
  firehose_hook_ = std::make_unique<intake::FirehoseHook>(*keys_, *intake_, world_.clock, metrics_);
  return {};
}

Status ServerImpl::ComposeFunctions() {
  ASSIGN_OR_RETURN(
      function_registry_,
      functions::FunctionRegistry::Load(
          directory_.settings(), directory_.secret_box(), world_.clock, world_.random));
  functions::Host::Options options;
  options.mode = options_.String("functions.forwarder") == "process"
                     ? functions::Host::Mode::kProcess
                     : functions::Host::Mode::kInProcess;
  options.program = world_.program;
  if (options_.Bool("functions.inject_intake")) {
    options.intake_environment = [this] {
      const std::string url = addresses_.own_http();
      return forwarder::Environment{{"DD_URL", url}, {"DD_API_URL", url}, {"DD_NO_SSL", "true"}};
    };
  }
  options.on_line = [this](const std::string& function, std::string_view line) {
    pipelines::Log entry;
    entry.source = "lambda";
    entry.service = function;
    entry.message = std::string(line);
    const auto taken = intake_->Ingest(
        {std::move(entry)}, {intake::Verified::kNone, intake::Door::kInternal, {}, {}, {}});
    if (!taken) log::Warn("functions", "{}: {}", function, line);
  };
  functions_ = std::make_unique<functions::Host>(std::move(options),
                                                 *function_registry_,
                                                 *loopback_,
                                                 *outside_,
                                                 world_.clock,
                                                 world_.random,
                                                 metrics_);
  async_queue_ =
      std::make_unique<functions::AsyncQueue>(*functions_, *function_registry_, world_.clock);
  return {};
}

Status ServerImpl::ComposeQueues() {
  queues::QueueService::Options options;
  options.dir = directory_.queues();
  options.account = account_;
  options.durability = DurabilityOf(options_);
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(queues_,
                   queues::QueueService::Create({directory_.settings(),
                                                 world_.fs,
                                                 world_.clock,
                                                 world_.random,
                                                 metrics_,
                                                 directory_.secret_box()},
                                                std::move(options),
                                                &recovery));
  NoteRecovery("queues", recovery);
  return {};
}

// Log events of our own, as they would be in CloudWatch Logs.
void ServerImpl::LogDeliveryStatus(const std::string& group, std::vector<json::object> entries) {
  std::vector<pipelines::Log> logs;
  for (json::object& entry : entries) {
    pipelines::Log log;
    log.message = json::Serialize(entry);
    log.status = json::GetStringOr(entry, "status", "") == "FAILURE" ? "error" : "info";
    log.source = "sns_delivery_status";
    log.service = "sns";
    entry["logGroup"] = group;
    log.attributes = std::move(entry);
    logs.push_back(std::move(log));
  }
  intake::Provenance provenance;
  provenance.door = intake::Door::kInternal;
  if (const auto stored = intake_->Ingest(std::move(logs), provenance); !stored) {
    log::Warn("topics", "delivery status not kept: {}", stored.error().message);
  }
}

Status ServerImpl::ComposeTopics() {
  topics::TopicService::Options options;
  options.dir = directory_.outbox();
  options.account = account_;
  options.public_url = [this] { return addresses_.public_url(); };
  options.private_endpoints = options_.Bool("topics.private_endpoints")
                                  ? topics::PrivateEndpoints::kAllowed
                                  : topics::PrivateEndpoints::kDenied;
  options.status_log = [this](const std::string& group, std::vector<json::object> entries) {
    LogDeliveryStatus(group, std::move(entries));
  };
  options.durability = DurabilityOf(options_);
  options.commit_spacing = kCommitSpacing;
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(topics_,
                   topics::TopicService::Create({directory_.settings(),
                                                 world_.fs,
                                                 world_.clock,
                                                 world_.random,
                                                 metrics_,
                                                 directory_.secret_box(),
                                                 *outside_,
                                                 *functions_,
                                                 *queues_,
                                                 *signer_},
                                                std::move(options),
                                                &recovery));
  NoteRecovery("outbox", recovery);
  queues_->SetRedelivery(
      [this](const queues::Message& dead_letter) { return topics_->Redeliver(dead_letter); });
  return {};
}

// Where events go beside topics.
Status ServerImpl::ComposeDestinations() {
  cloudwatch::MetricStore::Options options;
  options.dir = directory_.cloudwatch();
  options.durability = DurabilityOf(options_);
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(metric_store_,
                   cloudwatch::MetricStore::Create(
                       {world_.fs, world_.clock, metrics_}, std::move(options), &recovery));
  NoteRecovery("cloudwatch", recovery);
  event_metrics_ = std::make_unique<mail::EventMetrics>(*metric_store_, world_.clock, metrics_);
  streams::StreamService::Options stream_options;
  stream_options.dir = directory_.streams();
  stream_options.files = directory_.stream_files();
  stream_options.account = account_;
  stream_options.durability = DurabilityOf(options_);
  stream_options.private_endpoints = options_.Bool("topics.private_endpoints")
                                         ? streams::BatchDeliverer::PrivateEndpoints::kAllowed
                                         : streams::BatchDeliverer::PrivateEndpoints::kDenied;
  ASSIGN_OR_RETURN(streams_,
                   streams::StreamService::Create({directory_.settings(),
                                                   world_.fs,
                                                   world_.clock,
                                                   world_.random,
                                                   metrics_,
                                                   directory_.secret_box(),
                                                   *outside_},
                                                  std::move(stream_options)));
  return {};
}

Status ServerImpl::ComposeMail() {
  ASSIGN_OR_RETURN(configuration_sets_,
                   mail::ConfigurationSets::Load({account_,
                                                  directory_.settings(),
                                                  *topics_,
                                                  world_.clock,
                                                  world_.random,
                                                  streams_.get()}));
  ASSIGN_OR_RETURN(
      identities_,
      mail::Identities::Load(
          {account_, options_.Bool("mail.require_verified"), options_.Bool("mail.sandbox")},
          directory_.settings(),
          world_.clock));
  ASSIGN_OR_RETURN(
      account_state_,
      mail::AccountState::Load(QuotasOf(options_), directory_.settings(), world_.clock));
  event_publisher_ = std::make_unique<mail::SnsEventPublisher>(
      mail::SnsEventPublisher::Dependencies{*configuration_sets_,
                                            *topics_,
                                            *account_state_,
                                            world_.clock,
                                            metrics_,
                                            mail::EventRendering{"127.0.0.1"},
                                            event_metrics_.get(),
                                            streams_.get()});
  stored_mails_ = std::make_unique<StoredMailLookup>(*store_);
  recent_mails_ =
      std::make_unique<mail::RecentMails>(mail::RecentMails::Limits(), stored_mails_.get());

  mail::CapturedMails::Options capture;
  capture.retention =
      std::chrono::duration_cast<std::chrono::hours>(options_.Duration("capture.retention"));
  capture.bytes_max = options_.Bytes("capture.bytes_max");
  capture.durability = DurabilityOf(options_);
  capture.commit_spacing = kCommitSpacing;
  ASSIGN_OR_RETURN(captured_,
                   mail::CapturedMails::Open(world_.fs,
                                             world_.clock,
                                             metrics_,
                                             directory_.secret_box(),
                                             directory_.capture(),
                                             capture));
  ASSIGN_OR_RETURN(mail::ScenarioTable table, Scenarios(options_));
  scenarios_ = std::make_unique<mail::ScenarioCarrier>(
      std::move(table),
      mail::ScenarioCarrier::Options{account_.region, "Suppressed", 1},
      [this](const mail::Mail& mail, const std::string& recipient, mail::Visit visit) {
        const Status read =
            mail::ReadTrackedMail(*readers_,
                                  mail.raw,
                                  recipient,
                                  visit == mail::Visit::kClick ? mail::ReaderDoes::kOpenAndClick
                                                               : mail::ReaderDoes::kOpen);
        if (!read) log::Warn("mail", "a simulated reader failed: {}", read.error().message);
      },
      world_.random,
      metrics_);
  if (options_.String("mail.mode") == "relay") {
    smtp_client_ = net::MakeSmtpClient();
    mail::RelayCarrier::Options relay;
    relay.target = RelayTarget(options_);
    relay.region = account_.region;
    relay.pauses = options_.Durations("relay.retry_after");
    relay.life = options_.Duration("relay.give_up_after");
    outward_ = std::make_unique<mail::RelayCarrier>(
        *smtp_client_, world_.clock, std::move(relay), world_.random, metrics_);
  } else {
    outward_ = std::make_unique<mail::CaptureCarrier>(*captured_, metrics_);
  }
  carriers_ = std::make_unique<mail::CarrierRouter>(
      [this](const mail::Mail& mail, std::size_t recipient) {
        return scenarios_->Wants(mail, recipient);
      },
      *scenarios_,
      *outward_);

  mail::DeliverySpool::Options spool;
  spool.durability = DurabilityOf(options_);
  ASSIGN_OR_RETURN(spool_,
                   mail::DeliverySpool::Open(world_.fs,
                                             world_.clock,
                                             metrics_,
                                             directory_.secret_box(),
                                             directory_.spool(),
                                             *carriers_,
                                             *event_publisher_,
                                             recent_mails_.get(),
                                             spool));
  NoteRecovery("spool", spool_->recovery());
  guarded_spool_ = std::make_unique<GuardedSpool>(*spool_, *disk_);

  const mail::TrackingUrls urls(directory_.secret_box());
  rewriter_ = std::make_unique<mail::LinkRewriter>(
      urls,
      [this] { return addresses_.public_url(); },
      options_.Bool("intake.masking") ? mail::LinkRewriter::Secrets::kLeave
                                      : mail::LinkRewriter::Secrets::kTrack);
  tracking_ = std::make_unique<mail::TrackingHandler>(
      urls, *guarded_spool_, *recent_mails_, world_.clock, metrics_);
  mailer_ =
      std::make_unique<mail::MailService>(mail::MailService::Dependencies{account_,
                                                                          *configuration_sets_,
                                                                          *identities_,
                                                                          *account_state_,
                                                                          *guarded_spool_,
                                                                          *rewriter_,
                                                                          world_.clock,
                                                                          world_.random,
                                                                          metrics_});
  return {};
}

void ServerImpl::ComposeAws() {
  gateway_ =
      std::make_unique<aws::Gateway>(account_, *keys_, world_.clock, world_.random, metrics_);
  const mail::SesBackend ses{account_,
                             *mailer_,
                             *configuration_sets_,
                             *identities_,
                             *account_state_,
                             world_.clock,
                             world_.random,
                             metrics_};
  ses_v1_ = std::make_unique<mail::SesV1Api>(ses);
  ses_v2_ = std::make_unique<mail::SesV2Api>(ses);
  sns_ = std::make_unique<topics::SnsApi>(*topics_, world_.clock, world_.random);
  sqs_ = std::make_unique<queues::SqsApi>(*queues_, world_.clock);
  cloudwatch_ = std::make_unique<cloudwatch::CloudWatchApi>(*metric_store_, world_.clock);
  firehose_ = std::make_unique<streams::FirehoseApi>(*streams_);
  lambda_ = std::make_unique<functions::LambdaApi>(
      account_, *function_registry_, *functions_, *async_queue_);
  sts_ = std::make_unique<aws::StsService>(account_, sessions_.get());
  iam_ = std::make_unique<access::IamApi>(*iam_store_, *keys_, world_.clock, world_.random);
  gateway_->UseSessions(*sessions_);
  gateway_->Register("ses", "/", *ses_v1_);
  gateway_->Register("ses", "/v2/email/", *ses_v2_);
  gateway_->Register("sns", "/", *sns_);
  gateway_->Register("sqs", "/", *sqs_);
  gateway_->Register("monitoring", "/", *cloudwatch_);
  gateway_->Register("firehose", "/", *firehose_);
  gateway_->Register("lambda", "/", *lambda_);
  gateway_->Register("sts", "/", *sts_);
  gateway_->Register("iam", "/", *iam_);
}

// Whoever may change keys and read without keys: the command line of this machine, by the key in
// the data directory, or a person with a session in the console.
bool ServerImpl::IsOperator(const net::HttpRequest& request) const {
  const bool here = request.peer_address == "127.0.0.1" || request.peer_address == "::1";
  if (here && ConstantTimeEquals(request.headers.Get(kCliKeyHeader), directory_.cli_key())) {
    return true;
  }
  return session_api_->UserOf(request).has_value();
}

void ServerImpl::ComposeApi() {
  admin_ = std::make_unique<api::Admin>(*keys_, *users_, world_.random);
  admin_api_ = std::make_unique<api::AdminApi>(*admin_);
  session_api_ = std::make_unique<api::SessionApi>(*users_);
  captured_api_ = std::make_unique<api::CapturedApi>(*captured_);
  dead_letters_api_ = std::make_unique<api::DeadLettersApi>(*topics_, *queues_);
  read_guard_ = std::make_unique<api::ReadGuard>(
      *keys_, [this](const net::HttpRequest& request) { return IsOperator(request); });
  api::SearchApi::Options options;
  options.base_url = WithoutSlash(options_.String("public_url"));
  search_api_ = std::make_unique<api::SearchApi>(
      *runner_, *search_, *answers_, *read_guard_, world_.clock, world_.random, std::move(options));
  assets_ = std::make_unique<api::AssetServer>(api::EmbeddedAssets());
}

void ServerImpl::ComposeHealth() {
  health_.Add("mail", [this]() -> Health::Finding {
    if (const Status may = disk_->MayWrite(); !may) return {false, may.error().message};
    if (spool_->health() != journal::Journal::Health::kOk) return {false, spool_->health_reason()};
    return {true, disk_->Warning()};
  });
  health_.Add("topics", [this]() -> Health::Finding {
    const topics::TopicService::Health state = topics_->health();
    if (!state.writable) return {false, state.reason};
    if (state.dead_letters == 0) return {};
    return {true, fmt::format("{} dead letters wait to be looked at", state.dead_letters)};
  });
  health_.Add("queues", [this]() -> Health::Finding {
    const queues::QueueService::Health state = queues_->health();
    return {state.writable, state.reason};
  });
  health_.Add("store", [this]() -> Health::Finding {
    const store::Description description = store_->Describe();
    std::string notice = description.reason;
    for (const std::string& damage : description.set_aside) {
      notice += fmt::format("{}{}", notice.empty() ? "" : "; ", damage);
    }
    return {description.writable, std::move(notice)};
  });
}

void ServerImpl::AddHookRoutes(Router& router) {
  router.AddPath("/hooks/sns",
                 [this](const net::HttpRequest& request) { return sns_hook_->Handle(request); });
  router.AddPath("/hooks/firehose", [this](const net::HttpRequest& request) {
    return firehose_hook_->Handle(request);
  });
  router.AddPath(std::string(mail::kTrackingPrefix),
                 [this](const net::HttpRequest& request) { return tracking_->Handle(request); });
}

void ServerImpl::ComposeRoutes() {
  AddHookRoutes(hooks_router_);
  AddHookRoutes(router_);

  router_.Add(
      [](const net::HttpRequest& request) {
        if (aws::Gateway::IsAwsRequest(request)) return true;
        const std::string_view path = request.path();
        if (path.starts_with("/v2/email/")) return true;
        return std::any_of(std::begin(kLambdaPathPrefixes),
                           std::end(kLambdaPathPrefixes),
                           [&](std::string_view prefix) { return path.starts_with(prefix); });
      },
      [this](const net::HttpRequest& request) { return gateway_->Handle(request); });
  router_.Add([](const net::HttpRequest& request) { return intake::Intake::Handles(request); },
              intake_handler_);
  router_.Add(
      [](const net::HttpRequest& request) { return api::SearchApi::Handles(request.path()); },
      [this](const net::HttpRequest& request) { return search_api_->Handle(request); });

  router_.AddPath("/api/v2/postglass/login",
                  [this](const net::HttpRequest& request) { return session_api_->LogIn(request); });
  router_.AddPath("/api/v2/postglass/logout", [this](const net::HttpRequest& request) {
    return session_api_->LogOut(request);
  });
  router_.AddPath("/api/v2/postglass/session",
                  [this](const net::HttpRequest& request) { return session_api_->Show(request); });
  const auto guarded = [this](net::HttpHandler handler) {
    return [this, handler = std::move(handler)](const net::HttpRequest& request) {
      if (auto refusal = read_guard_->Refusal(request)) return std::move(*refusal);
      return handler(request);
    };
  };
  router_.Add(
      [](const net::HttpRequest& request) { return api::CapturedApi::Handles(request.path()); },
      guarded([this](const net::HttpRequest& request) { return captured_api_->Handle(request); }));
  router_.AddPath("/api/v2/postglass/status",
                  guarded([this](const net::HttpRequest&) { return health_.Show(); }));
  router_.AddPath("/api/v2/postglass/refusals", guarded([this](const net::HttpRequest&) {
                    return api::HookRefusals(sns_hook_->Refusals());
                  }));
  // Keys and people: not for everybody who may read.
  router_.Add(
      [](const net::HttpRequest& request) { return api::AdminApi::Handles(request.path()); },
      [this](const net::HttpRequest& request) {
        if (IsOperator(request)) return admin_api_->Handle(request);
        return api::ErrorResponse(403, "only a logged-in user or the server's own command line");
      });

  router_.Add(
      [](const net::HttpRequest& request) { return api::DeadLettersApi::Handles(request.path()); },
      [this](const net::HttpRequest& request) {
        if (IsOperator(request)) return dead_letters_api_->Handle(request);
        return api::ErrorResponse(403, "only a logged-in user or the server's own command line");
      });

  router_.AddPath(std::string(api::kErasePath), [this](const net::HttpRequest& request) {
    if (IsOperator(request)) return api::Erase(*store_, request);
    return api::ErrorResponse(403, "only a logged-in user or the server's own command line");
  });

  router_.AddPath("/healthz",
                  [](const net::HttpRequest&) { return net::TextResponse(200, "ok\n"); });
  router_.AddPath("/readyz", [this](const net::HttpRequest&) { return health_.Ready(); });
  router_.AddPath("/metrics", [this](const net::HttpRequest&) {
    net::HttpResponse response = net::TextResponse(200, metrics_.Render());
    response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
  router_.Add([](const net::HttpRequest&) { return true; },
              [this](const net::HttpRequest& request) {
                if (auto certificate = topics::ServeSigningCertificate(*signer_, request)) {
                  return std::move(*certificate);
                }
                return assets_->Handle(request);
              });
}

Result<json::object> ServerImpl::Initialise(Resources resources) {
  ASSIGN_OR_RETURN(json::object credentials,
                   MakeCredentials(*keys_, *users_, account_, world_.random));
  if (resources == Resources::kDefault) {
    ASSIGN_OR_RETURN(const std::string forwarder_key, keys_->CreateApiKey("forwarder"));
    RETURN_IF_ERROR(
        function_registry_
            ->Put(functions::MakeForwarder(account_, forwarder_key, MailEventsTopicArn(account_)))
            .and_then([](std::shared_ptr<const functions::Function>) { return Status(); }));
    const json::value* id = json::FindPath(credentials, "aws.access_key_id");
    const auto caller = keys_->Find(std::string_view(id->get_string()));
    RETURN_IF_ERROR(MakeDefaultResources(*gateway_, *caller, account_, world_.clock));
  }
  RETURN_IF_ERROR(directory_.MarkInitialised());
  return credentials;
}

Result<std::string> ServerImpl::ListenHttp(std::string_view key,
                                           std::shared_ptr<net::TlsServerContext> tls) {
  ASSIGN_OR_RETURN(const net::ListenAddress address, net::ParseListenAddress(options_.String(key)));
  const bool secure = tls != nullptr;
  ASSIGN_OR_RETURN(const int port, http_->Listen(address, std::move(tls)));
  return fmt::format("{}://{}:{}", secure ? "https" : "http", HostForUrl(address.host), port);
}

Result<std::string> ServerImpl::ListenSmtp(std::string_view key, net::SmtpServer::TlsMode mode) {
  ASSIGN_OR_RETURN(const net::ListenAddress address, net::ParseListenAddress(options_.String(key)));
  ASSIGN_OR_RETURN(const int port, smtp_->Listen(address, mode));
  return fmt::format("{}:{}", HostForUrl(address.host), port);
}

Result<Server::Addresses> ServerImpl::Listen() {
  net::HttpServerOptions http_options;
  http_options.worker_threads = static_cast<int>(options_.Integer("http.workers"));
  http_options.at_once = [](const net::HttpRequest& request) {
    return request.path() == kSendPath && request.body.size() <= kSendAtOnceBytesMax;
  };
  ASSIGN_OR_RETURN(http_,
                   net::HttpServer::Create(
                       http_options,
                       [this](const net::HttpRequest& request) { return router_.Route(request); },
                       metrics_));
  ASSIGN_OR_RETURN(
      smtp_,
      net::SmtpServer::Create(
          net::SmtpServerOptions(),
          mail::MakeSubmissionFactory({account_, *keys_, *mailer_, world_.random, metrics_}),
          tls_,
          metrics_));
  Addresses addresses;
  ASSIGN_OR_RETURN(addresses.http, ListenHttp("listen.http", nullptr));
  ASSIGN_OR_RETURN(addresses.https, ListenHttp("listen.https", tls_));
  ASSIGN_OR_RETURN(addresses.smtp, ListenSmtp("listen.smtp", net::SmtpServer::TlsMode::kStartTls));
  ASSIGN_OR_RETURN(addresses.smtps,
                   ListenSmtp("listen.smtps", net::SmtpServer::TlsMode::kImplicit));
  if (const std::string text = options_.String("listen.hooks"); !text.empty()) {
    ASSIGN_OR_RETURN(const net::ListenAddress address, net::ParseListenAddress(text));
    net::HttpServerOptions hooks_options;
    hooks_options.worker_threads = 16;
    hooks_options.name = "hooks";
    ASSIGN_OR_RETURN(
        hooks_,
        net::HttpServer::Create(
            hooks_options,
            [this](const net::HttpRequest& request) { return hooks_router_.Route(request); },
            metrics_));
    ASSIGN_OR_RETURN(const int port, hooks_->Listen(address, nullptr));
    addresses.hooks = fmt::format("http://{}:{}", HostForUrl(address.host), port);
  }
  addresses_.Set(addresses.http, addresses.https, WithoutSlash(options_.String("public_url")));

  // Downstream first: what a restart finds in spool and outbox flows at once.
  queues_->Start();
  metric_store_->Start();
  streams_->Start();
  topics_->Start();
  spool_->Start();
  http_->Start();
  smtp_->Start();
  if (hooks_) hooks_->Start();
  json::object listening{{"http", addresses.http},
                         {"https", addresses.https},
                         {"smtp", addresses.smtp},
                         {"smtps", addresses.smtps},
                         {"pid", static_cast<std::int64_t>(getpid())}};
  if (!addresses.hooks.empty()) listening["hooks"] = addresses.hooks;
  RETURN_IF_ERROR(world_.fs.WriteFileAtomically(directory_.listening_file(),
                                                json::Serialize(listening) + "\n"));
  return addresses;
}

void ServerImpl::ReloadTls() {
  const auto files = LoadTlsFiles();
  const Status reloaded = files ? tls_->Reload(files->server) : Status(Fail(files.error()));
  if (reloaded) {
    log::Info("main", "the TLS certificate was read again");
  } else {
    log::Error("main", "the TLS certificate stays as it was: {}", reloaded.error().message);
  }
}

// The doors first, then in the order of the data: each stage still has the next one to hand to.
void ServerImpl::Stop() {
  if (http_) {
    const Status gone = world_.fs.Remove(directory_.listening_file());
    if (!gone) log::Warn("main", "{}", gone.error().message);
    queues_->EndWaits();
    http_->Drain(kDrainLimit);
    smtp_->Drain(kDrainLimit);
    if (hooks_) hooks_->Drain(kDrainLimit);
  }
  spool_->Stop();
  topics_->Stop();
  queues_->Stop();
  streams_->Stop();
  metric_store_->Stop();
  if (const Status flushed = store_->Flush(); !flushed) {
    log::Warn("store", "what is in memory stays in the journal: {}", flushed.error().message);
  }
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Create(const World& world,
                                               DataDirectory& directory,
                                               const Options& options) {
  auto server = std::make_unique<ServerImpl>(world, directory, options);
  RETURN_IF_ERROR(server->Compose());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace postglass
