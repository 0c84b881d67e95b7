#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/file_system_testing.h"
#include "base/secret_box.h"
#include "mail/api/ses_backend.h"
#include "mail/api/ses_v1_api.h"
#include "mail/api/ses_v2_api.h"
#include "mail/mail_testing.h"

namespace postglass::mail {

// Finds every message too long, and keeps the last. Not thread-safe.
class RecordingMailer final : public Mailer {
 public:
  SendOutcome Send(Submission submission) override {
    last = std::move(submission);
    return SendError{SendError::Kind::kMessageTooLong, "too long"};
  }

  Submission last;
};

// Both APIs over the core with fakes. Requests come as the gateway would hand them on.
struct SesApiWorld : MailWorld {
  SesApiWorld() = default;

  explicit SesApiWorld(Options options) : MailWorld(options) {}

  using Form = std::vector<std::pair<std::string, std::string>>;

  net::HttpResponse V1(std::string_view action, const Form& form) {
    net::HttpRequest http;
    http.method = "POST";
    http.target = "/";
    http.headers.Add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    http.body = "Action=" + std::string(action) + "&Version=2010-12-01";
    for (const auto& field : form) {
      http.body += "&" + PercentEncode(field.first) + "=" + PercentEncode(field.second);
    }
    return Handle(v1, std::move(http));
  }

  net::HttpResponse V2(std::string method, std::string path, std::string body = {}) {
    net::HttpRequest http;
    http.method = std::move(method);
    http.target = "/v2/email" + std::move(path);
    http.body = std::move(body);
    return Handle(v2, std::move(http));
  }

  net::HttpResponse Handle(aws::Service& api, net::HttpRequest http) {
    http.peer_address = "192.0.2.0";
    return net::AwaitAnswer(api.Handle({http, {"AKID", "secret", "ses_user"}, "request-1"}));
  }

  SesBackend BackendWith(Mailer& mailer) {
    return {account,
            mailer,
            *sets,
            *identities,
            *templates,
            *suppression,
            *account_state,
            dkim,
            publisher,
            clock,
            random,
            metrics};
  }

  FaultyFileSystem fs;
  SecretBox box = *SecretBox::Open(fs, random, "/secret.key");
  DkimSigning dkim{*identities, box, clock, metrics};
  SesBackend backend = BackendWith(service);
  SesV1Api v1{backend};
  SesV2Api v2{backend};
};

// The text between <name> and </name>, the first time it occurs; empty when it does not.
inline std::string XmlText(std::string_view xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::size_t begin = xml.find(open);
  const std::size_t end = xml.find("</" + std::string(name) + ">");
  if (begin == std::string_view::npos || end == std::string_view::npos) return {};
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

}  // namespace postglass::mail
