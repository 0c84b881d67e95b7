#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/embedded/table/table.h"

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

// The rows of a table that hold the address in a value, a key, a tag or the text of attributes,
// ascending. Looks at every distinct value once. Errors: of the table.
Result<std::vector<RowIndex>> FindAddress(const Table& table, const AddressPattern& pattern);

}  // namespace postglass::store
