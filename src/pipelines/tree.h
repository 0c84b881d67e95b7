#pragma once

#include <string_view>

#include "base/json.h"

// Dotted paths into a log's attributes, for writing. Reading is json::FindPath. Pure.

namespace postglass::pipelines {

// Puts `v` at `path`, making objects on the way. What stood there is replaced, also a value that is
// no object and stands in the way. Requires: path not empty.
void SetPath(json::object& root, std::string_view path, json::value v);

// Removes what json::FindPath(root, path) finds; objects that become empty by it go too. False
// when nothing was there or the last part is an element of an array.
bool RemovePath(json::object& root, std::string_view path);

// The object at member `name` of `parent`, made when it is missing; what is there and no object is
// replaced by an empty one.
json::object& ObjectAt(json::object& parent, std::string_view name);

// A scalar as text: strings as they are, numbers and booleans in JSON's spelling, an array joined
// by ','. Empty for null and objects.
std::string TextOf(const json::value& v);

}  // namespace postglass::pipelines
