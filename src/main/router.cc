#include "main/router.h"

namespace postglass {

void Router::AddPath(std::string prefix, net::HttpHandler handler) {
  Add(
      [prefix = std::move(prefix)](const net::HttpRequest& request) {
        return prefix.ends_with('/') ? request.path().starts_with(prefix)
                                     : request.path() == prefix;
      },
      std::move(handler));
}

net::HttpResponse Router::Route(const net::HttpRequest& request) const {
  for (const Rule& rule : rules_) {
    if (rule.wants(request)) return rule.handler(request);
  }
  return net::TextResponse(404, "there is nothing here\n");
}

}  // namespace postglass
