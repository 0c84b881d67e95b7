#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/types.h"

namespace postglass::store {

// Finds an address in any text: in any case, as links write it (%40, %2B and so on) and as bounce
// addresses do (user=example.org). The address must stand for itself: ann@x.org is not in
// joann@x.org, not in ann@x.org.uk, but is in <ann@x.org>, ann@x.org. and ?to=ann%40x.org&.
class AddressPattern {
 public:
  // Errors: kInvalidArgument (no text on both sides of one @).
  static Result<AddressPattern> Make(std::string_view address);

  bool IsIn(std::string_view text) const;

 private:
  AddressPattern() = default;

  std::vector<std::string> forms_;  // folded
};

// Whether the event holds the address in any field, tag, key or value.
bool HoldsAddress(const Event& event, const AddressPattern& pattern);

// The same of the text of attributes alone, whether or not it is JSON.
bool AttributesHoldAddress(const Event& event, const AddressPattern& pattern);

// What is quoted in JSON as it is meant: a key or text may write the address with escapes.
std::string UnescapeJson(std::string_view text);

}  // namespace postglass::store
