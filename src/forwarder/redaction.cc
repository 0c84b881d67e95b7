#include "forwarder/redaction.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include "base/encoding.h"

namespace postglass::forwarder {
namespace {

constexpr int kPatternBytesMax = 8 << 20;  // of memory that a compiled pattern may take
constexpr std::string_view kAddress = R"(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})";
constexpr std::string_view kAddressReplacement = "xxx.xxx.xxx.xxx";
constexpr std::string_view kEmail = R"([a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+)";
constexpr std::string_view kEmailReplacement = "xxxxx@xxxxx.com";
constexpr std::string_view kReplacementDefault = "xxxxx";

std::string_view Get(const Environment& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view() : std::string_view(found->second);
}

// A backslash in the replacement stands for itself, as in Datadog's documentation of the variable.
std::string Quoted(std::string_view replacement) {
  std::string quoted;
  for (const char c : replacement) {
    if (c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted;
}

}  // namespace

class Redaction::Pattern {
 public:
  static Result<std::shared_ptr<const Pattern>> Make(std::string_view name, std::string_view text) {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(kPatternBytesMax);
    auto pattern = std::make_shared<Pattern>(text, options);
    if (!pattern->re_.ok()) {
      return Fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", name, pattern->re_.error()));
    }
    return std::shared_ptr<const Pattern>(std::move(pattern));
  }

  Pattern(std::string_view text, const RE2::Options& options)
      : re_(re2::StringPiece(text.data(), text.size()), options) {}

  bool Matches(std::string_view text) const {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), re_);
  }

  bool Replace(std::string& text, const std::string& replacement) const {
    return RE2::GlobalReplace(&text, re_, replacement) > 0;
  }

 private:
  RE2 re_;
};

Result<Redaction> Redaction::FromEnvironment(const Environment& environment) {
  Redaction redaction;
  const auto add =
      [&](std::string_view name, std::string_view text, std::string_view replacement) -> Status {
    ASSIGN_OR_RETURN(auto pattern, Pattern::Make(name, text));
    redaction.rules_.push_back({std::move(pattern), Quoted(replacement)});
    return {};
  };
  const auto is_set = [&](std::string_view name) {
    return EqualsIgnoreAsciiCase(TrimAscii(Get(environment, name)), "true");
  };
  if (is_set("REDACT_IP")) RETURN_IF_ERROR(add("REDACT_IP", kAddress, kAddressReplacement));
  if (is_set("REDACT_EMAIL")) RETURN_IF_ERROR(add("REDACT_EMAIL", kEmail, kEmailReplacement));
  if (const auto rule = Get(environment, "DD_SCRUBBING_RULE"); !rule.empty()) {
    const std::string_view own = Get(environment, "DD_SCRUBBING_RULE_REPLACEMENT");
    RETURN_IF_ERROR(add("DD_SCRUBBING_RULE", rule, own.empty() ? kReplacementDefault : own));
  }
  if (const auto text = Get(environment, "EXCLUDE_AT_MATCH"); !text.empty()) {
    ASSIGN_OR_RETURN(redaction.exclude_, Pattern::Make("EXCLUDE_AT_MATCH", text));
  }
  if (const auto text = Get(environment, "INCLUDE_AT_MATCH"); !text.empty()) {
    ASSIGN_OR_RETURN(redaction.include_, Pattern::Make("INCLUDE_AT_MATCH", text));
  }
  return redaction;
}

// As deep as the JSON was parsed: json::kDepthMax.
void Redaction::Apply(json::value& value) const {
  if (rules_.empty()) return;
  if (json::object* object = value.if_object()) {
    for (auto& member : *object) Apply(member.value());
  } else if (json::array* array = value.if_array()) {
    for (json::value& element : *array) Apply(element);
  } else if (const json::string* text = value.if_string()) {
    std::string changed{std::string_view(*text)};
    bool any = false;
    for (const Rule& rule : rules_) any |= rule.pattern->Replace(changed, rule.replacement);
    if (any) value = changed;
  }
}

bool Redaction::Sends(std::string_view log) const {
  if (exclude_ && exclude_->Matches(log)) return false;
  return !include_ || include_->Matches(log);
}

}  // namespace postglass::forwarder
