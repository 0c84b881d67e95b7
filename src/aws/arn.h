#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postglass::aws {

// arn:partition:service:region:account:resource
struct Arn {
  std::string partition = "aws";
  std::string service;
  std::string region;
  std::string account_id;
  std::string resource;  // everything behind the fifth colon

  std::string ToString() const;
  bool operator==(const Arn&) const = default;
};

// Nothing unless it has at least six parts and begins with "arn".
std::optional<Arn> ParseArn(std::string_view text);

}  // namespace postglass::aws
