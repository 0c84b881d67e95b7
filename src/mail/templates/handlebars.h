#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

// The part of Handlebars that SES renders templates with (SES Developer Guide, "Advanced email
// personalization"):
//
//   {{name}} {{a.b}} {{this}} {{../x}} {{@index}}   a value, never HTML-escaped; {{{x}}}, {{&x}}
//   too
//   {{#if x}} … {{else if y}} … {{else}} … {{/if}}   also unless, each, with, {{#x}}, {{^x}}
//   {{#*inline "n"}} … {{/inline}}  {{> n}}           parts, known in the whole template
//   {{lookup list @index}}  {{! … }}  {{!-- … --}}    and ~ beside a brace eats white space
//   \{{x}}                                            is text
//
// {{ses:openTracker}} and {{amazonSESUnsubscribeUrl}} stay as they are: others replace them.

namespace postglass::mail {

namespace handlebars {
struct Program;
}

struct RenderLimits {
  std::size_t bytes_max = 10 << 20;     // of the rendered text
  std::size_t steps_max = 1'000'000;    // values, blocks and rounds of loops
  static constexpr int kDepthMax = 32;  // blocks and parts within each other
};

// A parsed template. Immutable, cheap to copy.
class HandlebarsTemplate {
 public:
  // kInvalidArgument names what is wrong and at which byte.
  static Result<HandlebarsTemplate> Parse(std::string_view text);

  // Errors: kNotFound when a value is not in `data`, with SES's text "Attribute 'x' is not present
  // in the rendering data."; kInvalidArgument for a helper that is not known; kLimit.
  Result<std::string> Render(const json::object& data, const RenderLimits& limits = {}) const;

 private:
  explicit HandlebarsTemplate(std::shared_ptr<const handlebars::Program> program)
      : program_(std::move(program)) {}

  std::shared_ptr<const handlebars::Program> program_;
};

}  // namespace postglass::mail
