#pragma once

#include <string_view>

#include "net/http.h"
#include "query/catalog.h"

namespace postglass::api {

// Facets and saved views over HTTP; who may call it is the router's business. Thread-safe.
//   GET, POST        /api/v2/postglass/facets       /api/v2/postglass/views
//   GET, PUT, DELETE /api/v2/postglass/facets/ID    /api/v2/postglass/views/ID
//   GET              /v/ID                          a view's short link: to the console
class CatalogApi {
 public:
  // Both must outlive it.
  CatalogApi(query::Catalog& facets, query::Catalog& views) : facets_(facets), views_(views) {}

  // Whether the path is one of ours; short links are not among them: they need no key, because the
  // console asks for a log-in itself.
  static bool Handles(std::string_view path);
  net::HttpResponse Handle(const net::HttpRequest& request);

  static bool IsShortLink(std::string_view path);
  static net::HttpResponse FollowShortLink(const net::HttpRequest& request);

 private:
  query::Catalog& facets_;
  query::Catalog& views_;
};

}  // namespace postglass::api
