#include <fmt/format.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "api/openapi_components.h"
#include "api/routes.h"
#include "base/json.h"

namespace postglass::api {
namespace {

using Access = ApiRoute::Access;

constexpr std::string_view kAbout =
    "What Postglass serves over HTTP: the Datadog-compatible log intake and search, its own API, "
    "and "
    "the doors for Amazon SNS. The AWS-compatible calls (SES, SNS, Lambda, STS at /, /v2/email/ "
    "and "
    "Lambda's dated paths) are described by AWS's own service models; links in tracked mails (/t/) "
    "lead where the mail says.";

json::object Ref(std::string_view kind, std::string_view name) {
  return {{"$ref", fmt::format("#/components/{}/{}", kind, name)}};
}

json::object Scheme(std::initializer_list<std::string_view> names) {
  json::object schemes;
  for (const std::string_view name : names) schemes.emplace(name, json::array());
  return schemes;
}

// Each element is one way to be let in.
json::array Security(Access access) {
  switch (access) {
    case Access::kOpen:
      return {};
    case Access::kIntake:
      return {Scheme({"apiKey"})};
    case Access::kRead:
      return {Scheme({"apiKey", "applicationKey"}), Scheme({"session"}), Scheme({"commandLine"})};
    case Access::kOperator:
      return {Scheme({"session"}), Scheme({"commandLine"})};
  }
  return {};
}

// The names in braces, then those of the route.
json::array Parameters(const ApiRoute& route) {
  json::array parameters;
  std::string_view path = route.path;
  for (std::size_t at = path.find('{'); at != path.npos; at = path.find('{')) {
    const std::size_t end = path.find('}', at);
    parameters.push_back(json::object{{"name", path.substr(at + 1, end - at - 1)},
                                      {"in", "path"},
                                      {"required", true},
                                      {"schema", json::object{{"type", "string"}}}});
    path.remove_prefix(end + 1);
  }
  std::string_view names = route.parameters;
  while (!names.empty()) {
    const std::size_t blank = std::min(names.find(' '), names.size());
    parameters.push_back(Ref("parameters", names.substr(0, blank)));
    names.remove_prefix(std::min(blank + 1, names.size()));
  }
  return parameters;
}

json::object JsonContent(std::string_view schema) {
  return {{"application/json", json::object{{"schema", Ref("schemas", schema)}}}};
}

json::object Responses(const ApiRoute& route) {
  json::object success{{"description", route.status == 302 ? "The way there" : "Done"}};
  if (route.media == "application/json") {
    success["content"] = JsonContent(route.response);
  } else if (route.status != 302) {
    success["content"] =
        json::object{{route.media, json::object{{"schema", json::object{{"type", "string"}}}}}};
  }
  return {{std::to_string(route.status), std::move(success)},
          {"default", Ref("responses", "Error")}};
}

json::object Operation(const ApiRoute& route) {
  json::object operation{{"operationId", route.id},
                         {"tags", json::array{route.tag}},
                         {"summary", route.summary},
                         {"security", Security(route.access)},
                         {"parameters", Parameters(route)},
                         {"responses", Responses(route)}};
  if (!route.request.empty()) {
    operation["requestBody"] =
        json::object{{"required", true}, {"content", JsonContent(route.request)}};
  }
  return operation;
}

std::string Lower(std::string_view method) {
  std::string lower(method);
  for (char& c : lower) c = static_cast<char>(c | 0x20);
  return lower;
}

}  // namespace

std::string OpenApiDocument(std::string_view version) {
  json::object paths;
  for (const ApiRoute& route : ApiRoutes()) {
    json::value& path = paths[route.path];
    if (!path.is_object()) path = json::object();
    path.get_object()[Lower(route.method)] = Operation(route);
  }
  json::object document{
      {"openapi", "3.1.0"},
      {"info",
       json::object{
           {"title", "Postglass"},
           {"version", version},
           {"description", kAbout},
           {"license", json::object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"paths", std::move(paths)},
      {"components", json::ParseObject(OpenApiComponents()).value()}};
  return json::Serialize(document);
}

}  // namespace postglass::api
