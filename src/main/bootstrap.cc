#include "main/bootstrap.h"

#include <fmt/format.h>

#include "aws/sigv4.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "main/installation.h"

namespace postglass {
namespace {

constexpr std::string_view kAdminName = "admin";

// Calls services through the gateway, signed, without a socket.
class InProcessAws {
 public:
  InProcessAws(aws::Gateway& gateway,
               const aws::Credential& caller,
               const aws::Account& account,
               const Clock& clock)
      : gateway_(gateway), caller_(caller), account_(account), clock_(clock) {}

  Status Query(std::string_view service,
               std::initializer_list<std::pair<std::string_view, std::string_view>> parameters) {
    std::string form;
    for (const auto& [name, value] : parameters) {
      form += fmt::format(
          "{}{}={}", form.empty() ? "" : "&", PercentEncode(name), PercentEncode(value));
    }
    return Call(service, "/", "application/x-www-form-urlencoded", std::move(form));
  }

  Status Json(std::string_view service, std::string target, const json::object& body) {
    return Call(service, std::move(target), "application/json", json::Serialize(body));
  }

 private:
  Status Call(std::string_view service,
              std::string target,
              std::string content_type,
              std::string body) {
    net::HttpRequest request;
    request.method = "POST";
    request.target = std::move(target);
    request.headers = {{"Host", "localhost"}, {"Content-Type", std::move(content_type)}};
    request.body = std::move(body);
    request.peer_address = "127.0.0.1";
    const Timestamp now = clock_.Now();
    aws::SignRequest(request,
                     {caller_.access_key_id,
                      FormatCompactUtc(now).substr(0, 8),
                      account_.region,
                      std::string(service)},
                     caller_.secret_access_key,
                     now);
    const net::HttpResponse response = gateway_.Handle(request);
    // What a first try made before it was interrupted may be there.
    const bool exists = response.status == 409 ||
                        response.headers.Get("x-amzn-ErrorType").starts_with("AlreadyExists");
    if (response.status < 300 || exists) return {};
    return Fail(ErrorCode::kInternal,
                fmt::format("{} {}: {}", service, response.status, response.body));
  }

  aws::Gateway& gateway_;
  const aws::Credential& caller_;
  const aws::Account& account_;
  const Clock& clock_;
};

}  // namespace

Result<json::object> MakeCredentials(access::KeyRing& keys,
                                     access::Users& users,
                                     const aws::Account& account,
                                     Random& random) {
  ASSIGN_OR_RETURN(const aws::Credential aws_key, keys.CreateAwsKey(std::string(kAdminName)));
  ASSIGN_OR_RETURN(const std::string api_key, keys.CreateApiKey("default"));
  ASSIGN_OR_RETURN(const std::string application_key, keys.CreateApplicationKey("default"));
  const std::string password = access::Users::MakePassword(random);
  Status made = users.Create(std::string(kAdminName), password);
  if (!made && made.error().code == ErrorCode::kAlreadyExists) {
    made = users.SetPassword(std::string(kAdminName), password);
  }
  RETURN_IF_ERROR(made);
  return json::object{
      {"aws",
       json::object{{"access_key_id", aws_key.access_key_id},
                    {"secret_access_key", aws_key.secret_access_key},
                    {"region", account.region},
                    {"account_id", account.account_id}}},
      {"smtp",
       json::object{{"user", aws_key.access_key_id},
                    {"password", aws::SmtpPassword(aws_key.secret_access_key, account.region)}}},
      {"api_key", api_key},
      {"application_key", application_key},
      {"admin", json::object{{"user", kAdminName}, {"password", password}}}};
}

Status MakeDefaultResources(aws::Gateway& gateway,
                            const aws::Credential& caller,
                            const aws::Account& account,
                            const Clock& clock) {
  InProcessAws aws_calls(gateway, caller, account, clock);
  const std::string topic = MailEventsTopicArn(account);
  const std::string forwarder = ForwarderArn(account);
  RETURN_IF_ERROR(aws_calls.Query(
      "sns", {{"Action", "CreateTopic"}, {"Version", "2010-03-31"}, {"Name", "mail-events"}}));
  RETURN_IF_ERROR(aws_calls.Query("sns",
                                  {{"Action", "Subscribe"},
                                   {"Version", "2010-03-31"},
                                   {"TopicArn", topic},
                                   {"Protocol", "lambda"},
                                   {"Endpoint", forwarder}}));
  RETURN_IF_ERROR(
      aws_calls.Json("ses", "/v2/email/configuration-sets", {{"ConfigurationSetName", "default"}}));
  return aws_calls.Json("ses",
                        "/v2/email/configuration-sets/default/event-destinations",
                        {{"EventDestinationName", "mail-events"},
                         {"EventDestination",
                          json::object{{"Enabled", true},
                                       {"MatchingEventTypes",
                                        json::array{"SEND",
                                                    "REJECT",
                                                    "BOUNCE",
                                                    "COMPLAINT",
                                                    "DELIVERY",
                                                    "DELIVERY_DELAY",
                                                    "RENDERING_FAILURE"}},
                                       {"SnsDestination", json::object{{"TopicArn", topic}}}}}});
}

}  // namespace postglass
