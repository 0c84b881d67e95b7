#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "mail/api/ses_api_testing.h"

// Requests as any authenticated client may send them. The first line is "METHOD target", all behind
// it the body. No request makes the service fail: 4xx or 2xx, and 503 only when storage fails.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  using namespace postglass::mail;
  log::SetLevel(log::Level::kError);
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::size_t blank = std::min(input.find(' '), line);
  net::HttpRequest http;
  http.method = input.substr(0, blank);
  http.target = input.substr(std::min(blank + 1, line), line - std::min(blank + 1, line));
  http.body = input.substr(std::min(line + 1, input.size()));
  http.peer_address = "192.0.2.0";

  SesApiWorld world;
  world.MakeSet("main", {EventType::kSend, EventType::kOpen});
  CHECK(!world.identities->Ensure("a@example.com"));
  aws::Service& api = http.target.starts_with("/v2/email") ? static_cast<aws::Service&>(world.v2)
                                                           : static_cast<aws::Service&>(world.v1);
  static_cast<void>(api.ActionOf(http));
  const net::HttpResponse response = world.Handle(api, http);
  CHECK(response.status >= 200 && response.status < 500);
  return 0;
}
