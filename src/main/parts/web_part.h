#pragma once

#include <memory>

#include "api/admin.h"
#include "api/admin_api.h"
#include "api/analytics_api.h"
#include "api/assets.h"
#include "api/captured_api.h"
#include "api/catalog_api.h"
#include "api/counts_api.h"
#include "api/dead_letters_api.h"
#include "api/export_api.h"
#include "api/log_list_api.h"
#include "api/mails_api.h"
#include "api/search_api.h"
#include "api/session_api.h"
#include "main/parts/access_part.h"
#include "main/parts/intake_part.h"
#include "main/parts/mail_part.h"
#include "main/parts/part_context.h"
#include "main/parts/store_part.h"
#include "main/parts/topics_part.h"
#include "main/router.h"

namespace postglass {

// Our own HTTP API, Datadog's, and the console.
class WebPart {
 public:
  // Everything must outlive it.
  struct Below {
    PartContext& context;
    AccessPart& access;
    StorePart& store;
    IntakePart& intake;
    TopicsPart& topics;
    MailPart& mail;
  };

  explicit WebPart(const Below& below);

  // The last rule takes what nobody wants: add it last.
  void AddRoutes(Router& router);
  // What strangers may call, and alone when it has a listener of its own.
  void AddHookRoutes(Router& router);

 private:
  // Whoever may change keys and read without keys: the command line of this machine, by the key in
  // the data directory, or a person with a session in the console.
  bool IsOperator(const net::HttpRequest& request) const;
  net::HttpHandler ForReaders(net::HttpHandler handler);
  net::HttpHandler ForOperators(net::HttpHandler handler);
  void AddQuestionRoutes(Router& router);
  void AddOperatorRoutes(Router& router);
  void AddStateRoutes(Router& router);

  Below below_;
  std::unique_ptr<api::Admin> admin_;
  std::unique_ptr<api::AdminApi> admin_api_;
  std::unique_ptr<api::SessionApi> session_;
  std::unique_ptr<api::CapturedApi> captured_;
  std::unique_ptr<api::DeadLettersApi> dead_letters_;
  std::unique_ptr<api::ReadGuard> read_guard_;
  std::unique_ptr<api::SearchApi> search_;
  std::unique_ptr<api::LogListApi> log_list_;
  std::unique_ptr<api::MailsApi> mails_;
  std::unique_ptr<api::CountsApi> counts_;
  std::unique_ptr<api::ExportApi> export_;
  std::unique_ptr<api::CatalogApi> catalog_;
  std::unique_ptr<api::AnalyticsApi> analytics_;
  std::unique_ptr<api::AssetServer> assets_;
};

}  // namespace postglass
