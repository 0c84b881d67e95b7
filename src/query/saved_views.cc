#include "query/saved_views.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <variant>

#include "query/document_check.h"
#include "query/parser.h"
#include "query/time_range.h"

namespace postglass::query {
namespace {

constexpr std::string_view kLinkPrefix = "/v/";
constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kDescriptionBytesMax = 2'000;
constexpr std::size_t kQueryTextBytesMax = 16 << 10;
constexpr std::size_t kPathsMax = 50;
constexpr std::size_t kPathBytesMax = 500;
constexpr std::size_t kRulesMax = 100;
constexpr std::size_t kRuleValueBytesMax = 500;
constexpr std::array<std::string_view, 4> kRuleKinds = {
    "subject", "template", "configuration_set", "tag"};

// In a word everything that means something is escaped but the wildcards.
std::string WithWildcards(std::string_view value) {
  std::string word;
  for (const char c : value) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '*' || c == '?' || c == '.' || c == '_' ||
                       static_cast<unsigned char>(c) >= 0x80;
    if (!plain) word += '\\';
    word += c;
  }
  return word;
}

// The query that a rule stands for; nothing when `by` is no known word.
std::optional<std::string> RuleQuery(std::string_view by, std::string_view value) {
  const std::string word = WithWildcards(value);
  if (by == "subject") return "@mail.commonHeaders.subject:" + word;
  if (by == "template") return "@email.template:" + word;
  if (by == "configuration_set") return "@mail.tags.ses:configuration-set:" + word;
  if (by != "tag") return std::nullopt;
  const std::size_t colon = value.find(':');
  return fmt::format("@mail.tags.{}:{}",
                     WithWildcards(value.substr(0, colon)),
                     WithWildcards(value.substr(colon + 1)));
}

struct Rules {
  json::array kept;
  std::vector<std::string> queries;
};

Result<Rules> ReadRules(const json::object& input) {
  Rules rules;
  const json::value* given = input.if_contains("rule");
  if (given == nullptr || given->is_null()) return rules;
  const auto refuse = [](std::string message) {
    return Fail(ErrorCode::kInvalidArgument, std::move(message));
  };
  const json::array* list = given->if_array();
  if (list == nullptr || list->size() > kRulesMax) {
    return refuse(fmt::format("\"rule\" must be a list of at most {} objects", kRulesMax));
  }
  for (const json::value& element : *list) {
    const json::object* object = element.if_object();
    if (object == nullptr) return refuse("\"rule\" holds something that is no object");
    DocumentCheck in(*object, {"by", "value"});
    const std::string by = in.Word("by", kRuleKinds);
    const std::string value = in.Text("value", kRuleValueBytesMax);
    RETURN_IF_ERROR(in.status());
    if (value.empty()) return refuse("a rule has no value");
    if (by == "tag") {
      const std::size_t colon = value.find(':');
      if (colon == value.npos || colon == 0 || colon + 1 == value.size()) {
        return refuse(fmt::format("a tag's rule is NAME:VALUE, not \"{}\"", value));
      }
    }
    rules.kept.push_back(json::object{{"by", by}, {"value", value}});
    rules.queries.push_back(*RuleQuery(by, value));
  }
  return rules;
}

Status CheckQuery(std::string_view query) {
  const auto parsed = Parse(query);
  const auto* error = std::get_if<SyntaxError>(&parsed);
  if (error == nullptr) return {};
  return Fail(
      ErrorCode::kInvalidArgument,
      fmt::format("\"query\" does not parse at byte {}: {}", error->position, error->message));
}

Status CheckSort(std::string_view sort) {
  if (sort.starts_with('-')) sort.remove_prefix(1);
  return CheckFieldPath(sort);
}

// Rule and query as one; the rule's parts are alternatives.
std::string Together(const std::vector<std::string>& rules, const std::string& query) {
  const bool everything = query.empty() || query == "*";
  if (rules.empty()) return everything ? "*" : query;
  const std::string any =
      rules.size() == 1 ? rules.front() : fmt::format("({})", fmt::join(rules, " OR "));
  return everything ? any : fmt::format("{} ({})", any, query);
}

json::array Texts(const std::vector<std::string>& texts) {
  json::array list;
  for (const std::string& text : texts) list.emplace_back(text);
  return list;
}

Result<json::object> CheckView(const json::object& input) {
  DocumentCheck in(input,
                   {"name",
                    "description",
                    "rule",
                    "query",
                    "from",
                    "to",
                    "columns",
                    "facets",
                    "sort",
                    "hidden",
                    "search",
                    "link",
                    "id",
                    "built_in",
                    "changed"});
  const std::string name = in.Text("name", kNameBytesMax);
  const std::string description = in.Text("description", kDescriptionBytesMax);
  const std::string query = in.Text("query", kQueryTextBytesMax, "*");
  const std::string from = in.Text("from", 100, "now-24h");
  const std::string to = in.Text("to", 100, "now");
  const std::vector<std::string> columns = in.Texts("columns", kPathsMax, kPathBytesMax);
  const std::vector<std::string> facets = in.Texts("facets", kPathsMax, kPathBytesMax);
  const std::string sort = in.Text("sort", kPathBytesMax, "-timestamp");
  const bool hidden = in.Flag("hidden");
  RETURN_IF_ERROR(in.status());
  if (name.empty()) return Fail(ErrorCode::kInvalidArgument, "\"name\" is missing");
  ASSIGN_OR_RETURN(const Rules rules, ReadRules(input));
  RETURN_IF_ERROR(CheckQuery(query));
  const std::string search = Together(rules.queries, query);
  RETURN_IF_ERROR(CheckQuery(search));
  // Relative times are asked about at any instant; one is as good as another.
  for (const std::string& time : {from, to}) {
    const Result<Timestamp> parsed = ParseTime(time, Timestamp());
    if (!parsed) return Fail(parsed.error());
  }
  for (const std::vector<std::string>* paths : {&columns, &facets}) {
    for (const std::string& path : *paths) RETURN_IF_ERROR(CheckFieldPath(path));
  }
  RETURN_IF_ERROR(CheckSort(sort));
  return json::object{{"name", name},
                      {"description", description},
                      {"rule", rules.kept},
                      {"query", query},
                      {"search", search},
                      {"from", from},
                      {"to", to},
                      {"columns", Texts(columns)},
                      {"facets", Texts(facets)},
                      {"sort", sort},
                      {"hidden", hidden}};
}

Catalog::BuiltIn View(std::string_view id, const json::object& document) {
  return {std::string(id), CheckView(document).value()};
}

}  // namespace

Catalog::Kind SavedViewKind() {
  Catalog::Kind kind;
  kind.settings_kind = "saved_view";
  kind.noun = "saved view";
  kind.unique_member = "name";
  kind.documents_max = 1'000;
  kind.check = CheckView;
  const json::array columns = {"@eventType",
                               "@mail.destination",
                               "@mail.commonHeaders.subject",
                               "@smtp.response",
                               "@mail.messageId"};
  const auto subject = [](std::string_view value) {
    return json::object{{"by", "subject"}, {"value", value}};
  };
  kind.built_in = {
      View("password-resets",
           {{"name", "Password resets"},
            {"description",
             "Mails with which people get back into their account. Its rule says which they are: "
             "change it to how yours can be told."},
            {"rule",
             json::array{subject("*eset your password*"),
                         subject("*eset password*"),
                         subject("*assword reset*"),
                         subject("*orgot your password*")}},
            {"columns", columns},
            {"facets",
             json::array{"@eventType",
                         "@mail.commonHeaders.subject",
                         "@mail.destination",
                         "@bounce.bounceType",
                         "@bounce.bounceSubType",
                         "@smtp.response"}}}),
      View("all-mail",
           {{"name", "All mail"},
            {"description", "Every event of every mail."},
            {"query", "@mail.messageId:*"},
            {"columns", columns},
            {"facets",
             json::array{"@eventType",
                         "@mail.destination",
                         "@mail.commonHeaders.subject",
                         "@mail.source",
                         "@mail.tags.ses:configuration-set",
                         "@bounce.bounceType"}}}),
      View("refused",
           {{"name", "Refused and delayed"},
            {"description", "Mail that servers did not take, with their words."},
            {"query", "@eventType:(Bounce OR DeliveryDelay OR Reject)"},
            {"columns", columns},
            {"facets",
             json::array{"@bounce.bounceType",
                         "@bounce.bounceSubType",
                         "@email.bounce.class",
                         "@smtp.enhanced_code",
                         "@email.recipient.domain"}}}),
  };
  return kind;
}

std::string ViewLink(std::string_view id) { return fmt::format("{}{}", kLinkPrefix, id); }

std::string_view ViewOfLink(std::string_view path) {
  if (!path.starts_with(kLinkPrefix)) return {};
  return path.substr(kLinkPrefix.size());
}

}  // namespace postglass::query
