#include "main/parts/web_part.h"

#include <thread>
#include <utility>

#include "api/erase_api.h"
#include "api/hook_refusals.h"
#include "api/routes.h"
#include "base/crypto.h"
#include "mail/tracking/links.h"
#include "main/server_client.h"
#include "main/version.h"
#include "topics/sns_api.h"

namespace postglass {
namespace {

// A rule for a part of the API that says itself which paths are its own.
template <class Api>
bool HandlesPath(const net::HttpRequest& request) {
  return Api::Handles(request.path());
}

template <class Api>
net::HttpHandler HandlerOf(Api& api) {
  return [&api](const net::HttpRequest& request) { return api.Handle(request); };
}

}  // namespace

WebPart::WebPart(const Below& below) : below_(below) {
  const Server::World& world = below_.context.world;
  StorePart& store = below_.store;
  admin_ = std::make_unique<api::Admin>(*below_.access.keys, *below_.access.users, world.random);
  admin_api_ = std::make_unique<api::AdminApi>(*admin_);
  session_ = std::make_unique<api::SessionApi>(*below_.access.users);
  captured_ = std::make_unique<api::CapturedApi>(*below_.mail.captured);
  dead_letters_ =
      std::make_unique<api::DeadLettersApi>(*below_.topics.topics, *below_.topics.queues);
  read_guard_ = std::make_unique<api::ReadGuard>(
      *below_.access.keys, [this](const net::HttpRequest& request) { return IsOperator(request); });
  api::SearchApi::Options options;
  options.base_url = WithoutSlash(below_.context.options.String("public_url"));
  search_ = std::make_unique<api::SearchApi>(
      *store.runner, *store.search, *read_guard_, world.clock, world.random, std::move(options));
  log_list_ = std::make_unique<api::LogListApi>(
      *store.log_list, *read_guard_, world.clock, world.random, api::SearchApi::Options().rate);
  mails_ = std::make_unique<api::MailsApi>(*store.answers, *store.domains);
  counts_ = std::make_unique<api::CountsApi>(*store.counts);
  export_ = std::make_unique<api::ExportApi>(*store.search, [](std::chrono::milliseconds duration) {
    std::this_thread::sleep_for(duration);
  });
  catalog_ = std::make_unique<api::CatalogApi>(*store.facets, *store.views);
  analytics_ = std::make_unique<api::AnalyticsApi>(
      api::AnalyticsApi::Services{*store.aggregates, *store.explorer, *store.transactions},
      *read_guard_,
      world.clock,
      world.random,
      api::AnalyticsApi::Options());
  assets_ = std::make_unique<api::AssetServer>(api::EmbeddedAssets());
}

bool WebPart::IsOperator(const net::HttpRequest& request) const {
  const bool here = request.peer_address == "127.0.0.1" || request.peer_address == "::1";
  const std::string_view key = request.headers.Get(kCliKeyHeader);
  if (here && ConstantTimeEquals(key, below_.context.directory.cli_key())) return true;
  return session_->UserOf(request).has_value();
}

net::HttpHandler WebPart::ForReaders(net::HttpHandler handler) {
  return [this, handler = std::move(handler)](const net::HttpRequest& request) {
    if (auto refusal = read_guard_->Refusal(request)) return std::move(*refusal);
    return handler(request);
  };
}

net::HttpHandler WebPart::ForOperators(net::HttpHandler handler) {
  return [this, handler = std::move(handler)](const net::HttpRequest& request) {
    if (IsOperator(request)) return handler(request);
    return api::ErrorResponse(403, "only a logged-in user or the server's own command line");
  };
}

void WebPart::AddHookRoutes(Router& router) {
  router.AddPath("/hooks/sns", HandlerOf(*below_.intake.sns_hook));
  router.AddPath("/hooks/firehose", HandlerOf(*below_.intake.firehose_hook));
  router.AddPath(std::string(mail::kTrackingPrefix), HandlerOf(*below_.mail.tracking));
}

void WebPart::AddRoutes(Router& router) {
  // What the table of routes does not know is not reached, whatever a handler would say to it.
  router.Add(
      [](const net::HttpRequest& request) { return api::RefuseUnknownRoute(request).has_value(); },
      [](const net::HttpRequest& request) { return *api::RefuseUnknownRoute(request); });
  router.AddPath("/api/openapi.json",
                 [document = api::OpenApiDocument(kVersion)](const net::HttpRequest&) {
                   return net::JsonResponse(200, document);
                 });
  router.Add([](const net::HttpRequest& request) { return intake::Intake::Handles(request); },
             below_.intake.handler);
  AddQuestionRoutes(router);
  AddOperatorRoutes(router);
  AddStateRoutes(router);
  router.Add(
      [](const net::HttpRequest&) { return true; },
      [this](const net::HttpRequest& request) {
        if (auto certificate = topics::ServeSigningCertificate(*below_.access.signer, request)) {
          return std::move(*certificate);
        }
        return assets_->Handle(request);
      });
}

void WebPart::AddQuestionRoutes(Router& router) {
  // These say themselves who may ask: Datadog's clients know them.
  router.Add(HandlesPath<api::SearchApi>, HandlerOf(*search_));
  router.AddPath(std::string(api::kLogListPath), HandlerOf(*log_list_));
  router.Add(HandlesPath<api::AnalyticsApi>, HandlerOf(*analytics_));
  router.Add(HandlesPath<api::CapturedApi>, ForReaders(HandlerOf(*captured_)));
  router.Add(HandlesPath<api::MailsApi>, ForReaders(HandlerOf(*mails_)));
  router.Add(HandlesPath<api::CountsApi>, ForReaders(HandlerOf(*counts_)));
  router.AddPath(std::string(api::kExportPath), ForReaders(HandlerOf(*export_)));
  router.Add(HandlesPath<api::CatalogApi>, ForReaders(HandlerOf(*catalog_)));
  router.Add(
      [](const net::HttpRequest& request) { return api::CatalogApi::IsShortLink(request.path()); },
      api::CatalogApi::FollowShortLink);
  router.AddPath("/api/v2/postglass/refusals", ForReaders([this](const net::HttpRequest&) {
                   return api::HookRefusals(below_.intake.Refusals());
                 }));
}

// Keys, people, and what cannot be undone: not for everybody who may read.
void WebPart::AddOperatorRoutes(Router& router) {
  router.AddPath("/api/v2/postglass/login",
                 [this](const net::HttpRequest& request) { return session_->LogIn(request); });
  router.AddPath("/api/v2/postglass/logout",
                 [this](const net::HttpRequest& request) { return session_->LogOut(request); });
  router.AddPath("/api/v2/postglass/session",
                 [this](const net::HttpRequest& request) { return session_->Show(request); });
  router.Add(HandlesPath<api::AdminApi>, ForOperators(HandlerOf(*admin_api_)));
  router.Add(HandlesPath<api::DeadLettersApi>, ForOperators(HandlerOf(*dead_letters_)));
  router.AddPath(std::string(api::kErasePath),
                 ForOperators([this](const net::HttpRequest& request) {
                   return api::Erase(*below_.store.store, request);
                 }));
}

void WebPart::AddStateRoutes(Router& router) {
  router.AddPath("/api/v2/postglass/status", ForReaders([this](const net::HttpRequest&) {
                   return below_.context.health.Show();
                 }));
  router.AddPath("/healthz",
                 [](const net::HttpRequest&) { return net::TextResponse(200, "ok\n"); });
  router.AddPath("/readyz",
                 [this](const net::HttpRequest&) { return below_.context.health.Ready(); });
  router.AddPath("/metrics", [this](const net::HttpRequest&) {
    net::HttpResponse response = net::TextResponse(200, below_.context.metrics.Render());
    response.headers.Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return response;
  });
}

}  // namespace postglass
