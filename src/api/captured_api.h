#pragma once

#include <string_view>

#include "mail/delivery/captured_mails.h"
#include "net/http.h"

namespace postglass::api {

// The mails that were captured instead of sent; who may read them is the router's business.
// Thread-safe; reads the disk.
//   GET /api/v2/postglass/captured?limit=      newest first, without their text
//   GET /api/v2/postglass/captured/ID          decoded: headers, text, whether there is HTML
//   GET /api/v2/postglass/captured/ID/html     the HTML part, for a sandboxed frame
//   GET /api/v2/postglass/captured/ID/raw      the message itself
class CapturedApi {
 public:
  explicit CapturedApi(const mail::CapturedMails& mails) : mails_(mails) {}

  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  net::HttpResponse List(const net::HttpRequest& request);

  const mail::CapturedMails& mails_;
};

}  // namespace postglass::api
