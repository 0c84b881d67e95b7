#include "api/catalog_api.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/random_testing.h"
#include "base/settings_testing.h"
#include "query/facets.h"
#include "query/saved_views.h"

namespace postglass::api {
namespace {

class CatalogApiTest : public testing::Test {
 protected:
  net::HttpResponse Call(std::string method, std::string target, std::string body = "") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    EXPECT_TRUE(CatalogApi::Handles(request.path()));
    return api_.Handle(request);
  }

  static json::object Body(const net::HttpResponse& response) {
    const Result<json::object> body = json::ParseObject(response.body);
    EXPECT_TRUE(body) << response.body;
    return body ? *body : json::object();
  }

  MemorySettings settings_;
  SeededRandom random_{1};
  std::unique_ptr<query::Catalog> facets_ =
      *query::Catalog::Load(settings_, random_, query::FacetKind());
  std::unique_ptr<query::Catalog> views_ =
      *query::Catalog::Load(settings_, random_, query::SavedViewKind());
  CatalogApi api_{*facets_, *views_};
};

TEST_F(CatalogApiTest, AFacetIsMadeChangedAndRemoved) {
  const auto made = Call("POST", "/api/v2/postglass/facets", R"({"path":"@order.id"})");
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string one = "/api/v2/postglass/facets/" + json::GetStringOr(Body(made), "id", "");
  EXPECT_EQ(Call("GET", one).body, made.body);
  EXPECT_EQ(Call("PUT", one, R"({"path":"@order.id","name":"Order"})").status, 200);
  EXPECT_EQ(json::GetStringOr(Body(Call("GET", one)), "name", ""), "Order");
  EXPECT_EQ(Call("DELETE", one).status, 200);
  EXPECT_EQ(Call("GET", one).status, 404);
  EXPECT_EQ(Call("DELETE", one).status, 404);
  EXPECT_EQ(Call("PUT", one, R"({"path":"@order.id"})").status, 404);
}

TEST_F(CatalogApiTest, ErrorsSayWhatIsWrong) {
  const struct {
    std::string method;
    std::string target;
    std::string body;
    int status;
  } cases[] = {
      {"POST", "/api/v2/postglass/facets", "", 400},
      {"POST", "/api/v2/postglass/facets", "[]", 400},
      {"POST", "/api/v2/postglass/facets", "{}", 400},
      {"POST", "/api/v2/postglass/facets", R"({"path":"@eventType"})", 409},
      {"POST", "/api/v2/postglass/facets", std::string(300'000, ' '), 413},
      {"PATCH", "/api/v2/postglass/facets", "{}", 405},
      {"POST", "/api/v2/postglass/facets/subject", "{}", 405},
      {"DELETE", "/api/v2/postglass/facets/subject", "", 400},
      {"POST", "/api/v2/postglass/views", R"({"name":"a","query":"@a:("})", 400},
  };

  for (const auto& c : cases) {
    const auto response = Call(c.method, c.target, c.body);
    EXPECT_EQ(response.status, c.status) << c.method << ' ' << c.target << ' ' << response.body;
    EXPECT_NE(json::GetArray(Body(response), "errors"), nullptr);
  }
}

TEST_F(CatalogApiTest, ADiskThatFailsIsTheServersTrouble) {
  settings_.FailApply(Error{ErrorCode::kDiskFull, "full"});
  EXPECT_EQ(Call("POST", "/api/v2/postglass/facets", R"({"path":"@a"})").status, 503);
}

TEST_F(CatalogApiTest, AViewHasAShortLinkToTheConsole) {
  const json::object list = Body(Call("GET", "/api/v2/postglass/views"));
  const json::object& first = json::GetArray(list, "views")->front().get_object();
  net::HttpRequest request;
  request.method = "GET";
  request.target = json::GetStringOr(first, "link", "");
  EXPECT_EQ(request.target, "/v/password-resets");
  ASSERT_TRUE(CatalogApi::IsShortLink(request.path()));
  const auto response = CatalogApi::FollowShortLink(request);
  EXPECT_EQ(response.status, 302);
  EXPECT_EQ(response.headers.Get("Location"), "/#/view/password-resets");

  request.target = "/v/%0d%0aSet-Cookie:x";
  EXPECT_EQ(CatalogApi::FollowShortLink(request).headers.Get("Location"),
            "/#/view/%0D%0ASet-Cookie%3Ax");
  EXPECT_FALSE(CatalogApi::IsShortLink("/v/"));
}

}  // namespace
}  // namespace postglass::api
