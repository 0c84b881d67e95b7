#include "query/facets.h"

#include <array>

#include "query/document_check.h"

namespace postglass::query {
namespace {

constexpr std::size_t kNameBytesMax = 200;
constexpr std::size_t kDescriptionBytesMax = 2'000;

constexpr std::array<std::string_view, 3> kTypes = {"string", "integer", "double"};
constexpr std::array<std::string_view, 2> kDisplays = {"list", "range"};
// Datadog's families bytes and time.
constexpr std::array<std::string_view, 17> kUnits = {"",
                                                     "bit",
                                                     "byte",
                                                     "kibibyte",
                                                     "mebibyte",
                                                     "gibibyte",
                                                     "tebibyte",
                                                     "pebibyte",
                                                     "exbibyte",
                                                     "nanosecond",
                                                     "microsecond",
                                                     "millisecond",
                                                     "second",
                                                     "minute",
                                                     "hour",
                                                     "day",
                                                     "week"};

Result<json::object> CheckFacet(const json::object& input) {
  DocumentCheck in(input,
                   {"path",
                    "name",
                    "group",
                    "type",
                    "display",
                    "unit",
                    "description",
                    "hidden",
                    "id",
                    "built_in",
                    "changed"});
  const std::string path = in.Text("path", 1'000);
  std::string name = in.Text("name", kNameBytesMax);
  std::string group = in.Text("group", kNameBytesMax, "Others");
  const std::string type = in.Word("type", kTypes);
  const std::string display = in.Word("display", kDisplays);
  const std::string unit = in.Word("unit", kUnits);
  const std::string description = in.Text("description", kDescriptionBytesMax);
  const bool hidden = in.Flag("hidden");
  RETURN_IF_ERROR(in.status());
  RETURN_IF_ERROR(CheckFieldPath(path));
  if (type == "string" && (display == "range" || !unit.empty())) {
    return Fail(ErrorCode::kInvalidArgument,
                "a facet of type string has no unit and no range; its type is integer or double");
  }
  if (name.empty()) name = path;
  if (group.empty()) group = "Others";
  return json::object{{"path", path},
                      {"name", name},
                      {"group", group},
                      {"type", type},
                      {"display", display},
                      {"unit", unit},
                      {"description", description},
                      {"hidden", hidden}};
}

Catalog::BuiltIn Facet(std::string_view id,
                       std::string_view path,
                       std::string_view name,
                       std::string_view group,
                       std::string_view description) {
  return {
      std::string(id),
      CheckFacet({{"path", path}, {"name", name}, {"group", group}, {"description", description}})
          .value()};
}

Catalog::BuiltIn Measure(std::string_view id,
                         std::string_view path,
                         std::string_view name,
                         std::string_view group,
                         std::string_view unit,
                         std::string_view description) {
  return {std::string(id),
          CheckFacet({{"path", path},
                      {"name", name},
                      {"group", group},
                      {"type", "integer"},
                      {"display", "range"},
                      {"unit", unit},
                      {"description", description}})
              .value()};
}

}  // namespace

Catalog::Kind FacetKind() {
  Catalog::Kind kind;
  kind.settings_kind = "facet";
  kind.noun = "facet";
  kind.unique_member = "path";
  kind.documents_max = 1'000;  // as Datadog recommends
  kind.check = CheckFacet;
  kind.built_in = {
      Facet("event-type", "@eventType", "Event type", "Mail", "Send, Delivery, Bounce …"),
      Facet("subject", "@mail.commonHeaders.subject", "Subject", "Mail", "As the mail has it."),
      Facet("recipient", "@mail.destination", "Recipient", "Mail", "Everybody the mail went to."),
      Facet("recipient-domain",
            "@email.recipient.domain",
            "Recipient domain",
            "Mail",
            "Behind the @ of the recipients."),
      Facet("from", "@mail.source", "From", "Mail", "The sender, with the name it gives itself."),
      Facet("message-id", "@mail.messageId", "Message id", "Mail", "The mail service's own."),
      Facet("configuration-set",
            "@mail.tags.ses:configuration-set",
            "Configuration set",
            "Mail",
            "Which the mail was sent with."),
      Facet("template",
            "@email.template",
            "Template",
            "Mail",
            "Of mails whose template failed; other events do not name it."),
      Facet("bounce-type",
            "@bounce.bounceType",
            "Bounce type",
            "Outcome",
            "Permanent, Transient or Undetermined."),
      Facet("bounce-subtype",
            "@bounce.bounceSubType",
            "Bounce subtype",
            "Outcome",
            "General, NoEmail, MailboxFull …"),
      Facet("bounce-class",
            "@email.bounce.class",
            "Bounce class",
            "Outcome",
            "What the refusal means, from its codes and words."),
      Facet("diagnostic",
            "@bounce.bouncedRecipients.diagnosticCode",
            "Diagnostic",
            "Outcome",
            "The refusing server's words, as they came."),
      Facet("smtp-reply",
            "@smtp.response",
            "SMTP reply",
            "Outcome",
            "The receiving server's reply, of deliveries, delays and bounces."),
      Facet("smtp-code", "@smtp.code", "SMTP code", "Outcome", "250, 421, 550 …"),
      Facet("smtp-enhanced-code",
            "@smtp.enhanced_code",
            "Enhanced SMTP code",
            "Outcome",
            "5.1.1 and the like (RFC 3463)."),
      Facet("complaint-type",
            "@complaint.complaintFeedbackType",
            "Complaint type",
            "Outcome",
            "abuse, not-spam …"),
      Facet("link", "@click.link", "Link", "Outcome", "Which was followed."),
      Measure("processing-time",
              "@delivery.processingTimeMillis",
              "Time to acceptance",
              "Outcome",
              "millisecond",
              "From the request to the receiving server's acceptance."),
      Facet("status", "status", "Status", "Log", "emergency … ok"),
      Facet("service", "service", "Service", "Log", "Which wrote the event."),
      Facet("source", "source", "Source", "Log", "The technology it came from."),
      Facet("host", "host", "Host", "Log", "The machine it came from."),
      Facet("tags", "tags", "Tags", "Log", "All of an event's tags."),
  };
  return kind;
}

}  // namespace postglass::query
