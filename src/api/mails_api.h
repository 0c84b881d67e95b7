#pragma once

#include <string_view>

#include "net/http.h"
#include "query/answer.h"
#include "query/domain_report.h"

namespace postglass::api {

// Mails, recipients and domains as things; who may call it is the router's business. Thread-safe;
// handlers block.
//   GET /api/v2/postglass/answer?address=      everything about an address or a message id
//   GET /api/v2/postglass/mails/ID             one mail, with every event
//   GET /api/v2/postglass/recipients/ADDRESS   what a recipient's mails have in common
//   GET /api/v2/postglass/domains/DOMAIN       what became of the mail to a domain
// `format` terminal and terminal_color of the first two give text instead, and X-Postglass-Found.
class MailsApi {
 public:
  // Both must outlive it.
  MailsApi(query::AnswerService& answers, query::DomainReports& domains)
      : answers_(answers), domains_(domains) {}

  // Whether the path is one of ours.
  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  query::AnswerService& answers_;
  query::DomainReports& domains_;
};

}  // namespace postglass::api
