#include "api/catalog_api.h"

#include <algorithm>
#include <string>
#include <utility>

#include "api/json_api.h"
#include "base/encoding.h"
#include "base/json.h"
#include "query/saved_views.h"

namespace postglass::api {
namespace {

constexpr std::string_view kFacets = "/api/v2/postglass/facets";
constexpr std::string_view kViews = "/api/v2/postglass/views";
constexpr std::size_t kBodyBytesMax = 256 << 10;

bool IsUnder(std::string_view path, std::string_view collection) {
  return path == collection || (path.starts_with(collection) && path[collection.size()] == '/');
}

net::HttpResponse Answer(const json::object& body) {
  net::HttpResponse response = net::JsonResponse(200, json::Serialize(body));
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

net::HttpResponse Refuse(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kLimit:
      return ErrorResponse(400, error.message);
    case ErrorCode::kNotFound:
      return ErrorResponse(404, error.message);
    case ErrorCode::kAlreadyExists:
      return ErrorResponse(409, error.message);
    default:
      return ErrorResponse(503, error.message);
  }
}

net::HttpResponse MethodRefused(std::string_view allowed) {
  net::HttpResponse response = ErrorResponse(405, "Method Not Allowed");
  response.headers.Add("Allow", std::string(allowed));
  return response;
}

// One of the two collections and what is particular about it.
struct Collection {
  query::Catalog& catalog;
  std::string_view path;
  std::string_view name;  // of the list in the answer
  bool linked = false;    // its documents have short links

  json::object Shown(json::object document) const {
    if (linked) document["link"] = query::ViewLink(json::GetStringOr(document, "id", ""));
    return document;
  }

  net::HttpResponse From(Result<json::object> outcome) const {
    return outcome ? Answer(Shown(std::move(*outcome))) : Refuse(outcome.error());
  }

  net::HttpResponse List() const {
    json::array documents;
    for (json::value& document : catalog.List()) {
      documents.push_back(Shown(std::move(document.get_object())));
    }
    return Answer({{name, std::move(documents)}});
  }

  net::HttpResponse HandleAll(const net::HttpRequest& request) const {
    if (request.method == "GET") return List();
    if (request.method != "POST") return MethodRefused("GET, POST");
    return WithBody(request,
                    [this](const json::object& body) { return From(catalog.Create(body)); });
  }

  net::HttpResponse HandleOne(const net::HttpRequest& request, const std::string& id) const {
    if (request.method == "GET") return From(catalog.Get(id));
    if (request.method == "DELETE") {
      const Status removed = catalog.Remove(id);
      return removed ? Answer({}) : Refuse(removed.error());
    }
    if (request.method != "PUT") return MethodRefused("GET, PUT, DELETE");
    return WithBody(request,
                    [&](const json::object& body) { return From(catalog.Replace(id, body)); });
  }

  template <class Use>
  static net::HttpResponse WithBody(const net::HttpRequest& request, Use use) {
    if (request.body.size() > kBodyBytesMax) return ErrorResponse(413, "the request is too large");
    const Result<json::object> body = json::ParseObject(request.body);
    if (!body) return ErrorResponse(400, body.error().message);
    return use(*body);
  }
};

}  // namespace

bool CatalogApi::Handles(std::string_view path) {
  return IsUnder(path, kFacets) || IsUnder(path, kViews);
}

net::HttpResponse CatalogApi::Handle(const net::HttpRequest& request) {
  const bool facets = IsUnder(request.path(), kFacets);
  const Collection collection{
      facets ? facets_ : views_, facets ? kFacets : kViews, facets ? "facets" : "views", !facets};
  std::string_view rest = request.path().substr(collection.path.size());
  if (rest.size() <= 1) return collection.HandleAll(request);
  return collection.HandleOne(request, PercentDecode(rest.substr(1)));
}

bool CatalogApi::IsShortLink(std::string_view path) { return !query::ViewOfLink(path).empty(); }

net::HttpResponse CatalogApi::FollowShortLink(const net::HttpRequest& request) {
  if (request.method != "GET") return MethodRefused("GET");
  const std::string id = PercentDecode(query::ViewOfLink(request.path()));
  net::HttpResponse response = net::TextResponse(302, "");
  // Encoded anew: the id comes from outside and ends up in a header.
  response.headers.Add("Location", "/#/view/" + PercentEncode(id));
  return response;
}

}  // namespace postglass::api
