#include "api/routes.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/json.h"

namespace postglass::api {
namespace {

TEST(Routes, ATemplateTakesOneSegmentForAName) {
  EXPECT_TRUE(MatchesTemplate("/a/{id}/b", "/a/{id}/b"));
  EXPECT_TRUE(MatchesTemplate("/a/x%2Fy/b", "/a/{id}/b"));
  for (const std::string_view path : {"/a//b", "/a/x", "/a/x/y/b", "/a/x/b/", "a/x/b", ""}) {
    EXPECT_FALSE(MatchesTemplate(path, "/a/{id}/b")) << path;
  }
}

TEST(Routes, NothingElseIsReachedBelowApi) {
  const auto status = [](std::string method, std::string target) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    const auto refusal = RefuseUnknownRoute(request);
    return refusal ? refusal->status : 0;
  };
  EXPECT_EQ(status("GET", "/api/v2/postglass/facets"), 0);
  EXPECT_EQ(status("PUT", "/api/v2/postglass/facets/x?y=/z"), 0);
  EXPECT_EQ(status("PATCH", "/api/v2/postglass/facets"), 405);
  EXPECT_EQ(status("GET", "/api/v2/postglass/facets/x/y"), 404);
  EXPECT_EQ(status("GET", "/api/v2/postglass/"), 404);
  EXPECT_EQ(status("GET", "/api/"), 404);
  EXPECT_EQ(status("GET", "/assets/index.js"), 0);
  net::HttpRequest request;
  request.method = "PATCH";
  request.target = "/api/v2/postglass/users/password";
  EXPECT_EQ(RefuseUnknownRoute(request)->headers.Get("Allow"), "POST, DELETE");
}

// Every $ref below `value` leads somewhere.
void CheckRefs(const json::object& document, const json::value& value) {
  if (const json::array* list = value.if_array()) {
    for (const json::value& element : *list) CheckRefs(document, element);
  }
  const json::object* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& member : *object) {
    if (member.key() == "$ref") {
      std::string path(std::string_view(member.value().get_string()).substr(2));
      for (char& c : path) c = c == '/' ? '.' : c;
      EXPECT_NE(json::FindPath(document, path), nullptr) << path;
    }
    CheckRefs(document, member.value());
  }
}

TEST(OpenApi, TheDocumentHasEveryRouteAndNoLooseEnds) {
  const Result<json::object> document = json::ParseObject(OpenApiDocument("1.2.3"));
  ASSERT_TRUE(document);
  EXPECT_EQ(json::FindPath(*document, "info.version")->get_string(), "1.2.3");
  CheckRefs(*document, *document);
  std::set<std::string_view> ids;
  const json::object& paths = document->at("paths").get_object();
  for (const ApiRoute& route : ApiRoutes()) {
    EXPECT_TRUE(ids.insert(route.id).second) << route.id;
    EXPECT_TRUE(paths.contains(route.path)) << route.path;
  }
  std::size_t operations = 0;
  for (const auto& path : paths) operations += path.value().get_object().size();
  EXPECT_EQ(operations, ApiRoutes().size());
}

// What is described is used.
TEST(OpenApi, EveryComponentIsReferredTo) {
  const std::string text = OpenApiDocument("1");
  const json::object document = json::ParseObject(text).value();
  for (const std::string_view kind : {"schemas", "parameters"}) {
    for (const auto& member : json::FindPath(document, "components")->at(kind).get_object()) {
      const std::string ref =
          "#/components/" + std::string(kind) + "/" + std::string(member.key()) + "\"";
      EXPECT_NE(text.find(ref), std::string::npos) << ref;
    }
  }
}

}  // namespace
}  // namespace postglass::api
