#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "forwarder/environment.h"

namespace postglass::forwarder {

// What is changed in logs, or keeps them back, before they leave: the rules of Datadog's own
// forwarder, by the same variables. Immutable; thread-safe.
class Redaction {
 public:
  // REDACT_IP and REDACT_EMAIL ("true"), DD_SCRUBBING_RULE with DD_SCRUBBING_RULE_REPLACEMENT
  // ("xxxxx"), EXCLUDE_AT_MATCH, INCLUDE_AT_MATCH; patterns in RE2's syntax. kInvalidArgument names
  // the variable.
  static Result<Redaction> FromEnvironment(const Environment& environment);

  bool empty() const { return rules_.empty() && !exclude_ && !include_; }

  // Applies the rules to every text in the value, at any depth; not to names of members.
  void Apply(json::value& value) const;
  // Whether a log, as JSON text, is to be sent: not when it matches EXCLUDE_AT_MATCH, and only when
  // it matches INCLUDE_AT_MATCH where that is set.
  bool Sends(std::string_view log) const;

 private:
  class Pattern;

  struct Rule {
    std::shared_ptr<const Pattern> pattern;
    std::string replacement;
  };

  std::vector<Rule> rules_;
  std::shared_ptr<const Pattern> exclude_;
  std::shared_ptr<const Pattern> include_;
};

}  // namespace postglass::forwarder
