#include "main/ses_client.h"

#include <fmt/format.h>

#include "aws/sigv4.h"
#include "base/json.h"
#include "base/time_format.h"

namespace postglass {
namespace {

json::object Content(const MailText& text) {
  const auto part = [](const std::string& data) {
    return json::object{{"Data", data}, {"Charset", "UTF-8"}};
  };
  json::object body{{"Text", part(text.text)}};
  if (!text.html.empty()) body["Html"] = part(text.html);
  return {{"Simple", json::object{{"Subject", part(text.subject)}, {"Body", std::move(body)}}}};
}

}  // namespace

Result<std::string> SesClient::Send(const Mail& mail) {
  json::array to;
  for (const std::string& address : mail.to) to.emplace_back(address);
  json::object body{{"FromEmailAddress", mail.text.from},
                    {"Destination", json::object{{"ToAddresses", std::move(to)}}},
                    {"Content", Content(mail.text)}};
  if (!mail.configuration_set.empty()) body["ConfigurationSetName"] = mail.configuration_set;
  if (!mail.tags.empty()) {
    json::array tags;
    for (const auto& [name, value] : mail.tags) {
      tags.push_back(json::object{{"Name", name}, {"Value", value}});
    }
    body["EmailTags"] = std::move(tags);
  }

  ASSIGN_OR_RETURN(const json::object answer, Call("/v2/email/outbound-emails", body));
  return json::GetStringOr(answer, "MessageId", "");
}

Status SesClient::EnsureTrackedSet(const std::string& name, const std::string& topic_arn) {
  const auto tolerate = [](const Result<json::object>& outcome) -> Status {
    if (outcome || outcome.error().code == ErrorCode::kAlreadyExists) return {};
    return Fail(outcome.error());
  };
  RETURN_IF_ERROR(tolerate(Call("/v2/email/configuration-sets", {{"ConfigurationSetName", name}})));
  const json::object destination{{"Enabled", true},
                                 {"MatchingEventTypes",
                                  json::array{"SEND",
                                              "REJECT",
                                              "BOUNCE",
                                              "COMPLAINT",
                                              "DELIVERY",
                                              "OPEN",
                                              "CLICK",
                                              "RENDERING_FAILURE",
                                              "DELIVERY_DELAY"}},
                                 {"SnsDestination", json::object{{"TopicArn", topic_arn}}}};
  return tolerate(
      Call(fmt::format("/v2/email/configuration-sets/{}/event-destinations", name),
           {{"EventDestinationName", "mail-events"}, {"EventDestination", destination}}));
}

Result<json::object> SesClient::Call(const std::string& path, const json::object& body) {
  ASSIGN_OR_RETURN(const net::Url url, net::ParseUrl(target_.url));
  net::HttpRequest signed_request;
  signed_request.method = "POST";
  signed_request.target = path;
  signed_request.body = json::Serialize(body);
  signed_request.headers.Add("Host", url.authority());
  signed_request.headers.Add("Content-Type", "application/json");
  const Timestamp now = clock_.Now();
  aws::SignRequest(
      signed_request,
      {target_.access_key_id, FormatCompactUtc(now).substr(0, 8), target_.account.region, "ses"},
      target_.secret_access_key,
      now);

  net::HttpClient::Request request;
  request.method = signed_request.method;
  request.url = target_.url + signed_request.target;
  request.body = std::move(signed_request.body);
  for (const auto& [name, value] : signed_request.headers) {
    if (name != "Host") request.headers.Add(name, value);
  }
  ASSIGN_OR_RETURN(const net::HttpResponse response, client_.Send(request));
  auto answer = json::ParseObject(response.body);
  if (response.status == 200 && answer) return answer;
  std::string reason = fmt::format("the server answered {}", response.status);
  if (answer) {
    if (const auto text = json::GetString(*answer, "message")) reason = std::string(*text);
  }
  if (response.headers.Get("x-amzn-ErrorType").starts_with("AlreadyExists")) {
    return Fail(ErrorCode::kAlreadyExists, std::move(reason));
  }
  return Fail(response.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument,
              std::move(reason));
}

}  // namespace postglass
