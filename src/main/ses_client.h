#pragma once

#include <string>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "main/mail_templates.h"
#include "net/http_client.h"

namespace postglass {

// Sends mail by the SES API v2 of a server, as an application would. Thread-safe.
class SesClient {
 public:
  struct Target {
    std::string url;  // "http://127.0.0.1:8080"
    aws::Account account;
    std::string access_key_id;
    std::string secret_access_key;
    std::string session_token{};  // of temporary keys
  };

  // `client` and `clock` must outlive it.
  SesClient(net::HttpClient& client, const Clock& clock, Target target)
      : client_(client), clock_(clock), target_(std::move(target)) {}

  struct Mail {
    MailText text;
    std::vector<std::string> to;
    std::string configuration_set;  // empty: the server's default
    std::vector<std::pair<std::string, std::string>> tags;
  };

  // The message id. The server's own error text comes back as the message; kUnavailable for 5xx.
  Result<std::string> Send(const Mail& mail);
  // A mail by a template whose data is missing: accepted, and then a Rendering Failure.
  // Requires: one recipient.
  Result<std::string> SendUnrenderable(const Mail& mail);
  // Of a set, as the API shows them. Adds kNotFound (no such set), kUnauthenticated.
  Result<json::array> EventDestinations(const std::string& set);

  // Makes a configuration set with one destination that sends every event type to `topic_arn`,
  // opens and clicks included; fine when it is there.
  Status EnsureTrackedSet(const std::string& name, const std::string& topic_arn);

  const aws::Account& account() const { return target_.account; }

 private:
  // One signed call of the SES API v2. kAlreadyExists for AWS's error of that name.
  // An empty body is not sent.
  Result<json::object> Call(const std::string& method,
                            const std::string& path,
                            const json::object& body);
  Result<std::string> Post(const json::object& mail);

  net::HttpClient& client_;
  const Clock& clock_;
  const Target target_;
};

}  // namespace postglass
