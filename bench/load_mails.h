#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "bench/load_target.h"
#include "net/http_client.h"

namespace postglass::bench {

// Password resets with a text and an HTML part, about 1.5 KB, to addresses outside the simulator's
// domain: what a server in capture mode takes and turns into a Send and a Delivery event each. The
// same seed gives the same mails.
struct LoadMail {
  std::string to;
  std::string subject;
  std::string text;
  std::string html;
};

std::vector<LoadMail> MakeLoadMails(std::uint64_t seed, std::size_t count);

// SendEmail of the SES API v2, signed, ready to go to `url`. Signatures hold for five minutes. Made
// before the clock runs: an application's own processor signs its requests, not the server's.
std::vector<net::HttpClient::Request> MakeSendRequests(const std::vector<LoadMail>& mails,
                                                       const LoadTarget& target,
                                                       const std::string& url,
                                                       Timestamp now);

// As a message on the SMTP wire: dot-stuffed, with the final dot.
std::vector<std::string> MakeSmtpMessages(const std::vector<LoadMail>& mails);

inline constexpr const char* kLoadSender = "no-reply@shop.example";

}  // namespace postglass::bench
