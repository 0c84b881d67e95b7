#include "aws/arn.h"

#include <fmt/format.h>

#include <array>

namespace postglass::aws {

std::string Arn::ToString() const {
  return fmt::format("arn:{}:{}:{}:{}:{}", partition, service, region, account_id, resource);
}

std::optional<Arn> ParseArn(std::string_view text) {
  std::array<std::string_view, 5> parts;
  for (std::string_view& part : parts) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    part = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (parts[0] != "arn") return std::nullopt;
  Arn arn;
  arn.partition = parts[1];
  arn.service = parts[2];
  arn.region = parts[3];
  arn.account_id = parts[4];
  arn.resource = text;
  return arn;
}

}  // namespace postglass::aws
