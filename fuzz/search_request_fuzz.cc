// Search requests from outside: the first line is a request target, the rest a body. Each must be
// answered with JSON, whatever it is.

#include <cstdint>
#include <string>
#include <string_view>

#include "api/counts_api.h"
#include "api/export_api.h"
#include "api/log_list_api.h"
#include "api/mails_api.h"
#include "api/search_api.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/random.h"
#include "query/answer.h"
#include "query/counts.h"
#include "query/domain_report.h"
#include "query/export.h"
#include "query/log_list.h"
#include "query/runner.h"
#include "query/search.h"
#include "query/tail.h"
#include "store/oracle_store.h"

namespace {

class NoKeys final : public postglass::access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view) const override { return false; }

  bool IsApplicationKey(std::string_view) const override { return false; }
};

// One for the whole run: the runner owns a thread.
struct Service {
  postglass::SystemClock clock;
  postglass::SystemRandom random;
  postglass::Metrics metrics;
  postglass::store::OracleStore store;
  postglass::query::QueryRunner runner{store, clock, metrics, {}};
  postglass::query::SearchService search{runner, clock};
  postglass::query::AnswerService answers{runner, clock};
  postglass::query::DomainReports domains{runner, clock};
  postglass::query::CountService counts{runner, clock};
  postglass::query::LogListService list{runner, clock};
  NoKeys keys;
  postglass::api::ReadGuard guard{keys, [](const postglass::net::HttpRequest&) { return true; }};
  postglass::api::SearchApi api{runner, search, guard, clock, random, Options()};

  postglass::api::MailsApi mails{answers, domains};
  postglass::api::CountsApi counts_api{counts};
  postglass::api::LogListApi log_list{
      list, guard, clock, random, {"fuzz", SIZE_MAX / 2, std::chrono::seconds(60)}};
  postglass::api::ExportApi exports{search, [](std::chrono::milliseconds) {}};

  postglass::net::HttpResponse Handle(const postglass::net::HttpRequest& request) {
    if (postglass::api::MailsApi::Handles(request.path())) return mails.Handle(request);
    if (postglass::api::CountsApi::Handles(request.path())) return counts_api.Handle(request);
    if (request.path() == postglass::api::kLogListPath) return log_list.Handle(request);
    if (request.path() == postglass::api::kExportPath) return exports.Handle(request);
    return api.Handle(request);
  }

  static postglass::api::SearchApi::Options Options() {
    postglass::api::SearchApi::Options options;
    options.rate.requests_max = SIZE_MAX / 2;
    return options;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Service service;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line_end = text.find('\n');
  postglass::net::HttpRequest request;
  request.target = text.substr(0, line_end);
  if (line_end != std::string_view::npos) request.body = text.substr(line_end + 1);
  for (const char* method : {"GET", "POST"}) {
    request.method = method;
    const postglass::net::HttpResponse response = service.Handle(request);
    const bool for_terminal = response.headers.Find("X-Postglass-Found").has_value();
    CHECK(response.stream || for_terminal || postglass::json::Parse(response.body).has_value());
  }
  static_cast<void>(postglass::query::TailPosition::Parse(text));
  const std::string field = postglass::query::CsvField(text);
  CHECK(field.empty() ||
        std::string_view("=+@\t\r\n").find(field.front()) == std::string_view::npos);
  return 0;
}
