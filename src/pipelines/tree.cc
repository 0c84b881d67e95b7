#include "pipelines/tree.h"

#include <string>

namespace postglass::pipelines {

void SetPath(json::object& root, std::string_view path, json::value v) {
  json::object* at = &root;
  for (std::size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    at = &ObjectAt(*at, path.substr(0, dot));
    path.remove_prefix(dot + 1);
  }
  at->insert_or_assign(path, std::move(v));
}

bool RemovePath(json::object& root, std::string_view path) {
  if (root.erase(path) > 0) return true;
  for (std::size_t dot = path.rfind('.'); dot != std::string_view::npos && dot > 0;
       dot = path.rfind('.', dot - 1)) {
    json::value* child = root.if_contains(path.substr(0, dot));
    if (child == nullptr || !child->is_object()) continue;
    if (!RemovePath(child->get_object(), path.substr(dot + 1))) continue;
    if (child->get_object().empty()) root.erase(path.substr(0, dot));
    return true;
  }
  return false;
}

json::object& ObjectAt(json::object& parent, std::string_view name) {
  json::value& child = parent[name];
  return child.is_object() ? child.get_object() : child.emplace_object();
}

std::string TextOf(const json::value& v) {
  switch (v.kind()) {
    case boost::json::kind::string:
      return std::string(std::string_view(v.get_string()));
    case boost::json::kind::array: {
      std::string joined;
      for (const json::value& element : v.get_array()) {
        if (!joined.empty()) joined += ',';
        joined += element.is_array() ? std::string() : TextOf(element);
      }
      return joined;
    }
    case boost::json::kind::null:
    case boost::json::kind::object:
      return {};
    default:
      return json::Serialize(v);
  }
}

}  // namespace postglass::pipelines
