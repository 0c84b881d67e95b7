#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/http.h"

namespace postglass::api {

// The one table of what is served over HTTP, apart from the AWS-compatible calls, which AWS's own
// service models describe: the OpenAPI document is made of it, and below /api/ nothing else is
// reached.
struct ApiRoute {
  enum class Access {
    kOpen,      // nobody is asked
    kIntake,    // an API key
    kRead,      // an API key and an application key, a session, or the local command line
    kOperator,  // a session or the local command line
  };

  std::string_view method;
  std::string_view path;  // "/api/v2/postglass/facets/{id}": a name stands for one segment
  std::string_view id;    // operationId
  std::string_view tag;
  Access access = Access::kOpen;
  std::string_view summary;
  std::string_view parameters;  // names in the document's components, blanks between
  std::string_view request;     // schema of the JSON body; empty: none
  int status = 200;             // of success
  std::string_view media = "application/json";
  std::string_view response = "Anything";  // schema, for JSON
};

std::span<const ApiRoute> ApiRoutes();

// Whether a path, undecoded, is one of the template.
bool MatchesTemplate(std::string_view path, std::string_view path_template);

// Below /api/: 404 for a path that no route has, 405 for another method. Nothing for all else.
std::optional<net::HttpResponse> RefuseUnknownRoute(const net::HttpRequest& request);

// The routes as an OpenAPI 3.1 document, JSON text. `version`: of the product.
std::string OpenApiDocument(std::string_view version);

}  // namespace postglass::api
