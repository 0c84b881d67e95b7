#include "main/ses_client.h"

#include <fmt/format.h>

#include "aws/signed_request.h"
#include "base/encoding.h"
#include "base/json.h"

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

  return Post(body);
}

Result<std::string> SesClient::SendUnrenderable(const Mail& mail) {
  return Post({{"FromEmailAddress", mail.text.from},
               {"Destination", json::object{{"ToAddresses", json::array{mail.to.front()}}}},
               {"ConfigurationSetName", mail.configuration_set},
               {"Content",
                json::object{{"Template",
                              json::object{{"TemplateContent",
                                            json::object{{"Subject", mail.text.subject},
                                                         {"Text", "{{missing}}"}}},
                                           {"TemplateData", "{}"}}}}}});
}

Result<std::string> SesClient::Post(const json::object& mail) {
  ASSIGN_OR_RETURN(const json::object answer, Call("POST", "/v2/email/outbound-emails", mail));
  return json::GetStringOr(answer, "MessageId", "");
}

Result<json::array> SesClient::EventDestinations(const std::string& set) {
  ASSIGN_OR_RETURN(
      const json::object answer,
      Call("GET",
           fmt::format("/v2/email/configuration-sets/{}/event-destinations", PercentEncode(set)),
           {}));
  const json::array* destinations = json::GetArray(answer, "EventDestinations");
  return destinations == nullptr ? json::array() : *destinations;
}

Status SesClient::EnsureTrackedSet(const std::string& name, const std::string& topic_arn) {
  const auto tolerate = [](const Result<json::object>& outcome) -> Status {
    if (outcome || outcome.error().code == ErrorCode::kAlreadyExists) return {};
    return Fail(outcome.error());
  };
  RETURN_IF_ERROR(
      tolerate(Call("POST", "/v2/email/configuration-sets", {{"ConfigurationSetName", name}})));
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
      Call("POST",
           fmt::format("/v2/email/configuration-sets/{}/event-destinations", name),
           {{"EventDestinationName", "mail-events"}, {"EventDestination", destination}}));
}

Result<json::object> SesClient::Call(const std::string& method,
                                     const std::string& path,
                                     const json::object& body) {
  net::HttpClient::Request plain;
  plain.method = method;
  plain.url = target_.url + path;
  if (!body.empty()) plain.body = json::Serialize(body);
  plain.headers.Add("Content-Type", "application/json");
  ASSIGN_OR_RETURN(
      const net::HttpClient::Request request,
      aws::Sign(std::move(plain),
                {target_.access_key_id, target_.secret_access_key, target_.session_token},
                {target_.account.region, "ses"},
                clock_.Now()));
  ASSIGN_OR_RETURN(const net::HttpResponse response, client_.Send(request));
  auto answer = json::ParseObject(response.body);
  if (response.status == 200 && answer) return answer;
  std::string reason = fmt::format("the server answered {}", response.status);
  if (answer) {
    if (const auto text = json::GetString(*answer, "message")) reason = std::string(*text);
  }
  const std::string_view type = response.headers.Get("x-amzn-ErrorType");
  if (type.starts_with("AlreadyExists")) return Fail(ErrorCode::kAlreadyExists, std::move(reason));
  if (response.status == 404) return Fail(ErrorCode::kNotFound, std::move(reason));
  if (response.status == 401 || response.status == 403) {
    return Fail(ErrorCode::kUnauthenticated, std::move(reason));
  }
  return Fail(response.status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kInvalidArgument,
              std::move(reason));
}

}  // namespace postglass
