#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace postglass {

// Which part of the product answers a request: the first rule that wants it. Fill it before the
// listeners start; thread-safe from then on.
class Router {
 public:
  using Wants = std::function<bool(const net::HttpRequest&)>;

  void Add(Wants wants, net::HttpHandler handler) {
    rules_.push_back({std::move(wants), std::move(handler)});
  }

  // Every path equal to `prefix`, or below it when it ends with '/'.
  void AddPath(std::string prefix, net::HttpHandler handler);

  net::HttpResponse Route(const net::HttpRequest& request) const;

 private:
  struct Rule {
    Wants wants;
    net::HttpHandler handler;
  };

  std::vector<Rule> rules_;
};

}  // namespace postglass
