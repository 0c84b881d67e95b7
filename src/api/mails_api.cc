#include "api/mails_api.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/json_api.h"
#include "api/query_errors.h"
#include "base/encoding.h"
#include "query/output.h"
#include "query/recipient_view.h"

namespace postglass::api {
namespace {

using Params = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kAnswer = "/api/v2/postglass/answer";
constexpr std::string_view kMails = "/api/v2/postglass/mails/";
constexpr std::string_view kRecipients = "/api/v2/postglass/recipients/";
constexpr std::string_view kDomains = "/api/v2/postglass/domains/";

enum class Format { kJson, kTerminal, kTerminalColour };

std::optional<Format> FormatOf(const Params& params) {
  const std::string_view format = net::FindParam(params, "format").value_or("json");
  if (format == "json") return Format::kJson;
  if (format == "terminal") return Format::kTerminal;
  if (format == "terminal_color") return Format::kTerminalColour;
  return std::nullopt;
}

net::HttpResponse UnknownFormat() {
  return ErrorResponse(400, "format is json, terminal or terminal_color");
}

query::Colour ColourOf(Format format) {
  return format == Format::kTerminal ? query::Colour::kNever : query::Colour::kAlways;
}

net::HttpResponse Text(std::string text, bool found) {
  net::HttpResponse response = net::TextResponse(200, std::move(text));
  response.headers.Set("X-Postglass-Found", found ? "true" : "false");
  return response;
}

net::HttpResponse ShowAnswer(query::AnswerService& answers, const Params& params) {
  const auto address = net::FindParam(params, "address");
  if (!address) return ErrorResponse(400, "the parameter address is missing");
  const auto format = FormatOf(params);
  if (!format) return UnknownFormat();
  const Result<query::Answer> answer = answers.AnswerFor(*address);
  if (!answer) return StoreErrorResponse(answer.error());
  if (*format == Format::kJson) return net::JsonResponse(200, query::AnswerJson(*answer));
  return Text(query::AnswerTerminalText(*answer, ColourOf(*format)), !answer->mails.empty());
}

net::HttpResponse ShowMail(query::AnswerService& answers,
                           const std::string& id,
                           const Params& params) {
  const auto format = FormatOf(params);
  if (!format) return UnknownFormat();
  const Result<query::MailDetail> detail = answers.MailById(id);
  if (!detail) return StoreErrorResponse(detail.error());
  if (*format == Format::kJson) return net::JsonResponse(200, query::MailDetailJson(*detail));
  return Text(query::MailDetailTerminalText(*detail, ColourOf(*format)), true);
}

net::HttpResponse ShowRecipient(query::AnswerService& answers, const std::string& address) {
  if (query::DomainOf(query::BareAddress(address)).empty()) {
    return ErrorResponse(400, "a recipient is an address, USER@DOMAIN");
  }
  const Result<query::Answer> answer = answers.AnswerFor(address);
  if (!answer) return StoreErrorResponse(answer.error());
  return net::JsonResponse(200, query::RecipientJson(*answer, query::ViewRecipient(*answer)));
}

net::HttpResponse ShowDomain(query::DomainReports& domains,
                             const std::string& domain,
                             const Params& params) {
  const Result<query::DomainReport> report =
      domains.Report(domain,
                     net::FindParam(params, "from").value_or("now-7d"),
                     net::FindParam(params, "to").value_or("now"));
  if (!report) return StoreErrorResponse(report.error());
  return net::JsonResponse(200, query::DomainReportJson(*report));
}

}  // namespace

bool MailsApi::Handles(std::string_view path) {
  return path == kAnswer || path.starts_with(kMails) || path.starts_with(kRecipients) ||
         path.starts_with(kDomains);
}

net::HttpResponse MailsApi::Handle(const net::HttpRequest& request) {
  if (request.method != "GET") {
    net::HttpResponse response = ErrorResponse(405, "Method Not Allowed");
    response.headers.Add("Allow", "GET");
    return response;
  }
  const Result<Params> params = net::ParseForm(request.query());
  if (!params) return ErrorResponse(400, params.error().message);
  const std::string_view path = request.path();
  if (path == kAnswer) return ShowAnswer(answers_, *params);
  const auto behind = [path](std::string_view prefix) {
    return PercentDecode(path.substr(prefix.size()));
  };
  if (path.starts_with(kMails)) return ShowMail(answers_, behind(kMails), *params);
  if (path.starts_with(kRecipients)) return ShowRecipient(answers_, behind(kRecipients));
  return ShowDomain(domains_, behind(kDomains), *params);
}

}  // namespace postglass::api
