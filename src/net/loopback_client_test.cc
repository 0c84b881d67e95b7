#include <gtest/gtest.h>

#include "net/http_client.h"

namespace postglass::net {
namespace {

TEST(LoopbackClient, HandsTheRequestToTheHandler) {
  HttpRequest seen;
  const HttpHandler handler = [&](const HttpRequest& request) {
    seen = request;
    return JsonResponse(202, "{}");
  };
  const auto client = MakeLoopbackClient(handler);
  HttpClient::Request request;
  request.method = "POST";
  request.url = "https://intake.example:8443/api/v2/logs?ddtags=a";
  request.headers = {{"DD-API-KEY", "k"}};
  request.body = "[]";
  const auto response = client->Send(request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 202);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/api/v2/logs?ddtags=a");
  EXPECT_EQ(seen.headers.Get("host"), "intake.example:8443");
  EXPECT_EQ(seen.headers.Get("dd-api-key"), "k");
  EXPECT_EQ(seen.body, "[]");
  EXPECT_TRUE(seen.over_tls);
}

TEST(LoopbackClient, CollectsStreamsAndHoldsTheCap) {
  const HttpHandler handler = [](const HttpRequest&) {
    HttpResponse response;
    response.stream = [](BodyWriter& writer) {
      for (int i = 0; i < 4; ++i) {
        if (!writer.Write("0123456789")) return;
      }
    };
    return response;
  };
  const auto client = MakeLoopbackClient(handler);
  HttpClient::Request request;
  request.url = "http://a/";
  request.response_bytes_max = 40;
  EXPECT_EQ(client->Send(request)->body.size(), 40U);
  request.response_bytes_max = 39;
  const auto refused = client->Send(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimit);
  request.url = "nonsense";
  EXPECT_EQ(client->Send(request).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace postglass::net
