#pragma once

#include <string_view>

namespace postglass::api {

// The components of the OpenAPI document, JSON text: parameters, schemas, the error answer, how
// callers show who they are.
std::string_view OpenApiComponents();

}  // namespace postglass::api
