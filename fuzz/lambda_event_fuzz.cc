// Events as a Lambda runtime hands them to the forwarder, and what a function answers.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "forwarder/handler.h"

namespace {

class Accepting final : public postglass::net::HttpClient {
 public:
  postglass::Result<postglass::net::HttpResponse> Send(const Request& request) override {
    return postglass::net::JsonResponse(request.body.size() % 2 == 0 ? 202 : 400, "{}");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  Accepting client;
  forwarder::Config config;
  config.intake_url = "http://127.0.0.1:1";
  config.compress = false;
  forwarder::Handler handler(config, client);
  const std::string_view event(reinterpret_cast<const char*>(data), size);
  const auto report = handler.Handle(event, {"f", "arn:aws:lambda:us-east-1:0:function:f", "1"});
  if (report) static_cast<void>(report->response.size());
  return 0;
}
