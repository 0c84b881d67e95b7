// The search language: any text gives a tree or an error inside the text, and what Quote() makes of
// it is one value.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "query/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postglass::query::SyntaxError;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = postglass::query::Parse(text);
  if (const auto* error = std::get_if<SyntaxError>(&parsed)) {
    CHECK(error->position <= size);
    CHECK(!error->message.empty());
  }
  // With subqueries that find nothing new: whatever else parses does so as well.
  const auto resolved = postglass::query::Parse(
      text, [](const auto& fields, const postglass::store::Predicate& where) {
        CHECK(!fields.empty());
        return std::optional(where);
      });
  if (const auto* error = std::get_if<SyntaxError>(&resolved)) {
    CHECK(error->position <= size);
    CHECK(std::holds_alternative<SyntaxError>(parsed));
  }
  const auto quoted = postglass::query::Parse("@a:" + postglass::query::Quote(text));
  if (const auto* predicate = std::get_if<postglass::store::Predicate>(&quoted)) {
    const auto* term = std::get_if<postglass::store::TermMatch>(&predicate->node);
    CHECK(term != nullptr && term->value == text);
  }
  return 0;
}
