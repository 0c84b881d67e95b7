#include "main/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "mail/smtp/submission_session.h"
#include "main/bootstrap.h"
#include "main/installation.h"
#include "main/parts/access_part.h"
#include "main/parts/aws_part.h"
#include "main/parts/destinations_part.h"
#include "main/parts/functions_part.h"
#include "main/parts/intake_part.h"
#include "main/parts/mail_part.h"
#include "main/parts/part_context.h"
#include "main/parts/store_part.h"
#include "main/parts/topics_part.h"
#include "main/parts/web_part.h"
#include "main/router.h"
#include "net/http_server.h"

namespace postglass {
namespace {

constexpr std::chrono::seconds kDrainLimit{10};
constexpr int kHookWorkers = 16;
constexpr std::string_view kSendPath = "/v2/email/outbound-emails";
// A send up to this size is worked out by the event loop itself (some 150 µs for a small mail).
constexpr std::size_t kSendAtOnceBytesMax = 64 << 10;

std::string HostForUrl(const std::string& host) {
  // Listening on all interfaces, we are reached by name.
  if (host == "0.0.0.0" || host == "::") return "localhost";
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

class ServerImpl final : public Server {
 public:
  Status Compose(const World& world, DataDirectory& directory, const Options& options);
  Result<json::object> Initialise(Resources resources) override;
  Result<Addresses> Listen() override;
  void ReloadTls() override;
  void Stop() override;

  const aws::Account& account() const override { return context_->account; }

 private:
  Status MakeListeners();
  Result<std::string> ListenHttp(std::string_view key, std::shared_ptr<net::TlsServerContext> tls);
  Result<std::string> ListenSmtp(std::string_view key, net::SmtpServer::TlsMode mode);
  Result<std::string> ListenHooks(const std::string& address);
  Status WriteListeningFile(const Addresses& addresses);

  // In the order of the data, each on top of those before.
  std::unique_ptr<PartContext> context_;
  std::unique_ptr<AccessPart> access_;
  std::unique_ptr<StorePart> store_;
  std::unique_ptr<IntakePart> intake_;
  std::unique_ptr<FunctionsPart> functions_;
  std::unique_ptr<TopicsPart> topics_;
  std::unique_ptr<DestinationsPart> destinations_;
  std::unique_ptr<MailPart> mail_;
  std::unique_ptr<AwsPart> aws_;
  std::unique_ptr<WebPart> web_;

  Router router_;
  Router hooks_router_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::HttpServer> hooks_;  // null: on the listener for all
  std::unique_ptr<mail::ClientGuard> smtp_guard_;
  std::unique_ptr<net::SmtpServer> smtp_;
};

Status ServerImpl::Compose(const World& world, DataDirectory& directory, const Options& options) {
  // What an ended process left behind must not lead anybody to a stranger's port.
  if (const Status gone = world.fs.Remove(directory.listening_file());
      !gone && gone.error().code != ErrorCode::kNotFound) {
    return Fail(gone.error());
  }
  ASSIGN_OR_RETURN(context_, PartContext::Make(world, directory, options));
  ASSIGN_OR_RETURN(access_, AccessPart::Make(*context_));
  ASSIGN_OR_RETURN(store_, StorePart::Make(*context_));
  ASSIGN_OR_RETURN(intake_, IntakePart::Make(*context_, *access_, *store_));
  ASSIGN_OR_RETURN(functions_, FunctionsPart::Make(*context_, *intake_));
  ASSIGN_OR_RETURN(topics_, TopicsPart::Make(*context_, *access_, *intake_, *functions_));
  ASSIGN_OR_RETURN(destinations_, DestinationsPart::Make(*context_));
  ASSIGN_OR_RETURN(mail_, MailPart::Make(*context_, *access_, *store_, *topics_, *destinations_));
  aws_ = AwsPart::Make(*context_, *access_, *functions_, *topics_, *destinations_, *mail_);
  web_ = std::make_unique<WebPart>(
      WebPart::Below{*context_, *access_, *store_, *intake_, *topics_, *mail_});
  web_->AddHookRoutes(hooks_router_);
  web_->AddHookRoutes(router_);
  aws_->AddRoutes(router_);
  web_->AddRoutes(router_);
  return {};
}

Result<json::object> ServerImpl::Initialise(Resources resources) {
  const World& world = context_->world;
  ASSIGN_OR_RETURN(json::object credentials,
                   MakeCredentials(*access_->keys, *access_->users, account(), world.random));
  if (resources == Resources::kDefault) {
    ASSIGN_OR_RETURN(const std::string forwarder_key, access_->keys->CreateApiKey("forwarder"));
    const auto made = functions_->registry->Put(
        functions::MakeForwarder(account(), forwarder_key, MailEventsTopicArn(account())));
    if (!made) return Fail(made.error());
    const json::value* id = json::FindPath(credentials, "aws.access_key_id");
    const auto caller = access_->keys->Find(std::string_view(id->get_string()));
    RETURN_IF_ERROR(MakeDefaultResources(*aws_->gateway, *caller, account(), world.clock));
  }
  RETURN_IF_ERROR(context_->directory.MarkInitialised());
  return credentials;
}

Status ServerImpl::MakeListeners() {
  net::HttpServerOptions options;
  options.worker_threads = static_cast<int>(context_->options.Integer("http.workers"));
  options.at_once = [](const net::HttpRequest& request) {
    return request.path() == kSendPath && request.body.size() <= kSendAtOnceBytesMax;
  };
  ASSIGN_OR_RETURN(http_,
                   net::HttpServer::Create(
                       options,
                       [this](const net::HttpRequest& request) { return router_.Route(request); },
                       context_->metrics));
  smtp_guard_ = std::make_unique<mail::ClientGuard>(context_->world.clock);
  ASSIGN_OR_RETURN(smtp_,
                   net::SmtpServer::Create(net::SmtpServerOptions(),
                                           mail::MakeSubmissionFactory({account(),
                                                                        *access_->keys,
                                                                        *mail_->mailer,
                                                                        context_->world.random,
                                                                        context_->metrics,
                                                                        *smtp_guard_}),
                                           access_->tls,
                                           context_->metrics));
  return {};
}

Result<std::string> ServerImpl::ListenHttp(std::string_view key,
                                           std::shared_ptr<net::TlsServerContext> tls) {
  ASSIGN_OR_RETURN(const net::ListenAddress address,
                   net::ParseListenAddress(context_->options.String(key)));
  const bool secure = tls != nullptr;
  ASSIGN_OR_RETURN(const int port, http_->Listen(address, std::move(tls)));
  return fmt::format("{}://{}:{}", secure ? "https" : "http", HostForUrl(address.host), port);
}

Result<std::string> ServerImpl::ListenSmtp(std::string_view key, net::SmtpServer::TlsMode mode) {
  ASSIGN_OR_RETURN(const net::ListenAddress address,
                   net::ParseListenAddress(context_->options.String(key)));
  ASSIGN_OR_RETURN(const int port, smtp_->Listen(address, mode));
  return fmt::format("{}:{}", HostForUrl(address.host), port);
}

Result<std::string> ServerImpl::ListenHooks(const std::string& text) {
  if (text.empty()) return std::string();
  ASSIGN_OR_RETURN(const net::ListenAddress address, net::ParseListenAddress(text));
  net::HttpServerOptions options;
  options.worker_threads = kHookWorkers;
  options.name = "hooks";
  ASSIGN_OR_RETURN(
      hooks_,
      net::HttpServer::Create(
          options,
          [this](const net::HttpRequest& request) { return hooks_router_.Route(request); },
          context_->metrics));
  ASSIGN_OR_RETURN(const int port, hooks_->Listen(address, nullptr));
  return fmt::format("http://{}:{}", HostForUrl(address.host), port);
}

Status ServerImpl::WriteListeningFile(const Addresses& addresses) {
  json::object listening{{"http", addresses.http},
                         {"https", addresses.https},
                         {"smtp", addresses.smtp},
                         {"smtps", addresses.smtps},
                         {"pid", static_cast<std::int64_t>(getpid())}};
  if (!addresses.hooks.empty()) listening["hooks"] = addresses.hooks;
  return context_->world.fs.WriteFileAtomically(context_->directory.listening_file(),
                                                json::Serialize(listening) + "\n");
}

Result<Server::Addresses> ServerImpl::Listen() {
  RETURN_IF_ERROR(MakeListeners());
  Addresses addresses;
  ASSIGN_OR_RETURN(addresses.http, ListenHttp("listen.http", nullptr));
  ASSIGN_OR_RETURN(addresses.https, ListenHttp("listen.https", access_->tls));
  ASSIGN_OR_RETURN(addresses.smtp, ListenSmtp("listen.smtp", net::SmtpServer::TlsMode::kStartTls));
  ASSIGN_OR_RETURN(addresses.smtps,
                   ListenSmtp("listen.smtps", net::SmtpServer::TlsMode::kImplicit));
  ASSIGN_OR_RETURN(addresses.hooks, ListenHooks(context_->options.String("listen.hooks")));
  context_->addresses.Set(
      addresses.http, addresses.https, WithoutSlash(context_->options.String("public_url")));

  // Downstream first: what a restart finds in spool and outbox flows at once.
  functions_->Start();
  destinations_->Start();
  topics_->Start();
  mail_->spool->Start();
  http_->Start();
  smtp_->Start();
  if (hooks_) hooks_->Start();
  intake_->Start();
  RETURN_IF_ERROR(WriteListeningFile(addresses));
  return addresses;
}

void ServerImpl::ReloadTls() {
  if (const Status reloaded = access_->ReloadTls(*context_); reloaded) {
    log::Info("main", "the TLS certificate was read again");
  } else {
    log::Error("main", "the TLS certificate stays as it was: {}", reloaded.error().message);
  }
}

// The doors first, then in the order of the data: each stage still has the next one to hand to.
void ServerImpl::Stop() {
  if (http_) {
    const Status gone = context_->world.fs.Remove(context_->directory.listening_file());
    if (!gone) log::Warn("main", "{}", gone.error().message);
    intake_->RequestStop();
    topics_->queues->EndWaits();
    http_->Drain(kDrainLimit);
    // What a function does may take a quarter of an hour; whoever sent it tries again.
    functions_->Interrupt();
    smtp_->Drain(kDrainLimit);
    if (hooks_) hooks_->Drain(kDrainLimit);
  }
  intake_->Stop();
  mail_->spool->Stop();
  topics_->Stop();
  functions_->Interrupt();
  functions_->Stop();
  destinations_->Stop();
  if (const Status flushed = store_->store->Flush(); !flushed) {
    log::Warn("store", "what is in memory stays in the journal: {}", flushed.error().message);
  }
}

}  // namespace

Result<std::unique_ptr<Server>> Server::Create(const World& world,
                                               DataDirectory& directory,
                                               const Options& options) {
  auto server = std::make_unique<ServerImpl>();
  RETURN_IF_ERROR(server->Compose(world, directory, options));
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace postglass
