#include "bench/load_mails.h"

#include <fmt/format.h>

#include "aws/sigv4.h"
#include "base/json.h"
#include "base/random_testing.h"
#include "base/time_format.h"

namespace postglass::bench {

std::vector<LoadMail> MakeLoadMails(std::uint64_t seed, std::size_t count) {
  SeededRandom random(seed);
  std::vector<LoadMail> mails(count);
  for (LoadMail& mail : mails) {
    mail.to = fmt::format("user.{:06x}@mail{}.example", random.Below(1 << 24), random.Below(50));
    mail.subject = "Reset your password";
    const std::string link =
        fmt::format("https://shop.example/account/reset?user={}&token={}", mail.to, random.Hex(40));
    mail.text = fmt::format(
        "Hello,\r\n\r\nsomebody, hopefully you, asked to reset the password of {}.\r\nOpen this "
        "link within an hour to choose a new one:\r\n\r\n{}\r\n\r\nIf it was not you, ignore this "
        "mail: nothing has changed.\r\n\r\nThe shop\r\n",
        mail.to,
        link);
    mail.html = fmt::format(
        "<html><body style=\"font-family:sans-serif\"><h1>Reset your password</h1>\r\n<p>Somebody, "
        "hopefully you, asked to reset the password of {}.</p>\r\n<p><a href=\"{}\" "
        "style=\"padding:12px;background:#2457d6;color:#fff\">Choose a new password</a></p>\r\n"
        "<p>The link works for an hour. If it was not you, ignore this mail: nothing has "
        "changed.</p>\r\n<p>The shop</p></body></html>\r\n",
        mail.to,
        link);
  }
  return mails;
}

std::vector<net::HttpClient::Request> MakeSendRequests(const std::vector<LoadMail>& mails,
                                                       const LoadTarget& target,
                                                       const std::string& url,
                                                       Timestamp now) {
  const auto part = [](const std::string& data) { return json::object{{"Data", data}}; };
  std::vector<net::HttpClient::Request> requests;
  requests.reserve(mails.size());
  for (const LoadMail& mail : mails) {
    const json::object body{
        {"FromEmailAddress", kLoadSender},
        {"Destination", json::object{{"ToAddresses", json::array{mail.to}}}},
        {"Content",
         json::object{
             {"Simple",
              json::object{
                  {"Subject", part(mail.subject)},
                  {"Body", json::object{{"Text", part(mail.text)}, {"Html", part(mail.html)}}}}}}}};
    net::HttpRequest to_sign;
    to_sign.method = "POST";
    to_sign.target = "/v2/email/outbound-emails";
    to_sign.body = json::Serialize(body);
    to_sign.headers = {{"Host", url.substr(url.find("//") + 2)},
                       {"Content-Type", "application/json"}};
    aws::SignRequest(
        to_sign,
        {target.access_key_id, FormatCompactUtc(now).substr(0, 8), target.region, "ses"},
        target.secret_access_key,
        now);
    net::HttpClient::Request request;
    request.method = "POST";
    request.url = url + to_sign.target;
    request.body = std::move(to_sign.body);
    for (const auto& [name, value] : to_sign.headers) {
      if (name != "Host") request.headers.Add(name, value);
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

std::vector<std::string> MakeSmtpMessages(const std::vector<LoadMail>& mails) {
  std::vector<std::string> messages;
  messages.reserve(mails.size());
  for (const LoadMail& mail : mails) {
    // No line of these begins with a dot, so there is nothing to stuff.
    messages.push_back(fmt::format(
        "From: The shop <{}>\r\nTo: {}\r\nSubject: {}\r\nMIME-Version: 1.0\r\nContent-Type: "
        "multipart/alternative; boundary=\"part\"\r\n\r\n--part\r\nContent-Type: text/plain; "
        "charset=utf-8\r\n\r\n{}--part\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{}--part--"
        "\r\n.\r\n",
        kLoadSender,
        mail.to,
        mail.subject,
        mail.text,
        mail.html));
  }
  return messages;
}

}  // namespace postglass::bench
