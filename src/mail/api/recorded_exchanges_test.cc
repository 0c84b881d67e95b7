#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <tuple>

#include "base/json.h"
#include "mail/api/ses_api_testing.h"
#include "mail/event_json.h"

// Exchanges recorded from real Amazon SES (tests/data/ses/recorded.json) against this service: the
// same errors, the same members in the same order.

namespace postglass::mail {
namespace {

using Form = SesApiWorld::Form;

const json::object& Recorded(std::string_view test) {
  static const json::object all = [] {
    std::ifstream in(std::string(POSTGLASS_SOURCE_DIR) + "/tests/data/ses/recorded.json");
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    return json::ParseObject(text).value();
  }();
  return all.at(test).as_object();
}

// The recorded event number `index` (0 is the test message).
const json::object& RecordedEvent(std::string_view test, std::size_t index) {
  return Recorded(test).at("messages").as_array().at(index).as_object().at("Message").as_object();
}

// Names and order of all members, values left out; of arrays the first element.
std::string Shape(const json::value& value) {
  if (value.is_object()) {
    std::string shape = "{";
    for (const auto& member : value.as_object()) {
      shape += std::string(member.key()) + ":" + Shape(member.value()) + ",";
    }
    return shape + "}";
  }
  if (value.is_array()) {
    return value.as_array().empty() ? "[]" : "[" + Shape(value.as_array().front()) + "]";
  }
  if (value.is_bool()) return "bool";
  return "scalar";
}

class RecordedExchangesTest : public testing::Test {
 protected:
  RecordedExchangesTest() { world_.MakeSet("set", {EventType::kSend}); }

  json::object EventOf(EventDetail detail) {
    const Mail mail = world_.spool.mails().back();
    const bool before = std::holds_alternative<SendDetail>(detail) && !mail.send_object.empty();
    return json::ParseObject(RenderEvent({{mail.message_id,
                                           mail.configuration_set,
                                           before ? mail.send_object : mail.mail_object},
                                          std::move(detail),
                                          {}},
                                         {.outgoing_ip = "127.0.0.1"}))
        .value();
  }

  void ExpectSameError(const net::HttpResponse& response,
                       const json::object& recorded,
                       std::string_view placeholder = "",
                       const std::string& value = "") {
    const json::object& error = recorded.at("Error").as_object();
    std::string message(error.at("Message").as_string());
    if (const std::size_t at = message.find(placeholder);
        !placeholder.empty() && at != std::string::npos) {
      message.replace(at, placeholder.size(), value);
    }
    EXPECT_EQ(XmlText(response.body, "Code"), error.at("Code").as_string());
    EXPECT_EQ(XmlText(response.body, "Type"), error.at("Type").as_string());
    const std::string text = XmlText(response.body, "Message");
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text.compare(i, 4, "&lt;") == 0) {
        plain += '<';
        i += 3;
      } else if (text.compare(i, 4, "&gt;") == 0) {
        plain += '>';
        i += 3;
      } else {
        plain += text[i];
      }
    }
    EXPECT_EQ(plain, message);
    EXPECT_EQ(response.status,
              recorded.at("ResponseMetadata").as_object().at("HTTPStatusCode").as_int64());
  }

  static Form MailForm(Form more) {
    Form form = {{"Source", "sender@example.com"},
                 {"Destination.ToAddresses.member.1", "recipient@example.com"},
                 {"Message.Subject.Data", "SOME_SUBJECT"},
                 {"Message.Body.Text.Data", "text"},
                 {"Message.Body.Html.Data", "html"},
                 {"ConfigurationSetName", "set"}};
    form.insert(form.end(), more.begin(), more.end());
    return form;
  }

  SesApiWorld world_;
};

DeliveryDetail SomeDelivery() {
  DeliveryDetail detail;
  detail.recipients = {"recipient@example.com"};
  detail.smtp_response = "250 2.0.0 OK";
  detail.reporting_mta = "a8-77.smtp-out.amazonses.com";
  return detail;
}

TEST_F(RecordedExchangesTest, EventsOfSendEmail) {
  ASSERT_EQ(world_
                .V1("SendEmail",
                    MailForm({{"Tags.member.1.Name", "custom-tag"},
                              {"Tags.member.1.Value", "tag-value"}}))
                .status,
            200);
  constexpr std::string_view kTest = "test_ses_sns_topic_integration_send_email";
  EXPECT_EQ(Shape(EventOf(SendDetail{})), Shape(RecordedEvent(kTest, 1)));
  EXPECT_EQ(Shape(EventOf(SomeDelivery())), Shape(RecordedEvent(kTest, 2)));

  const json::object event = EventOf(SendDetail{});
  const json::object& mail = event.at("mail").as_object();
  const json::object& recorded = RecordedEvent(kTest, 1).at("mail").as_object();
  const auto header_names = [](const json::object& of) {
    std::string names;
    for (const json::value& header : of.at("headers").as_array()) {
      names += std::string(header.as_object().at("name").as_string()) + " ";
    }
    return names;
  };
  EXPECT_EQ(header_names(mail), header_names(recorded));
  EXPECT_TRUE(mail.at("headers").as_array()[4].as_object().at("value").as_string().starts_with(
      "multipart/alternative;  boundary=\"----=_Part_"));
}

TEST_F(RecordedExchangesTest, EventsOfAnEmptyRawMessage) {
  ASSERT_EQ(world_
                .V1("SendRawEmail",
                    {{"Source", "sender@example.com"},
                     {"Destinations.member.1", "recipient@example.com"},
                     {"RawMessage.Data", ""},
                     {"ConfigurationSetName", "set"},
                     {"Tags.member.1.Name", "custom-tag"},
                     {"Tags.member.1.Value", "tag-value"}})
                .status,
            200);
  constexpr std::string_view kTest = "test_ses_sns_topic_integration_send_raw_email";
  EXPECT_EQ(Shape(EventOf(SendDetail{})), Shape(RecordedEvent(kTest, 1)));
  EXPECT_EQ(Shape(EventOf(SomeDelivery())), Shape(RecordedEvent(kTest, 2)));
}

TEST_F(RecordedExchangesTest, EventsOfATemplatedMessage) {
  const Form form = {{"Template.TemplateName", "hello-world"},
                     {"Template.SubjectPart", "Subject test"},
                     {"Template.TextPart", "hello\nworld"}};
  ASSERT_EQ(world_.V1("CreateTemplate", form).status, 200);
  ASSERT_EQ(world_
                .V1("SendTemplatedEmail",
                    {{"Source", "sender@example.com"},
                     {"Destination.ToAddresses.member.1", "recipient@example.com"},
                     {"Template", "hello-world"},
                     {"TemplateData", "{}"},
                     {"ConfigurationSetName", "set"},
                     {"Tags.member.1.Name", "custom-tag"},
                     {"Tags.member.1.Value", "tag-value"}})
                .status,
            200);
  constexpr std::string_view kTest = "test_ses_sns_topic_integration_send_templated_email";
  const json::object send = EventOf(SendDetail{});
  EXPECT_EQ(Shape(send), Shape(RecordedEvent(kTest, 1)));
  const json::object delivery = EventOf(SomeDelivery());
  EXPECT_EQ(Shape(delivery), Shape(RecordedEvent(kTest, 2)));
  const auto names = [](const json::object& event) {
    std::string all;
    for (const json::value& header : event.at("mail").as_object().at("headers").as_array()) {
      all += std::string(header.as_object().at("name").as_string()) + " ";
    }
    return all;
  };
  EXPECT_EQ(names(send), names(RecordedEvent(kTest, 1)));
  EXPECT_EQ(names(delivery), names(RecordedEvent(kTest, 2)));
}

TEST_F(RecordedExchangesTest, TemplatesAreListed) {
  const auto members = [](std::string_view step) {
    return Recorded("test_delete_template").at(step).as_object().at("TemplatesMetadata").as_array();
  };
  const auto list = [&] {
    return XmlText(world_.V1("ListTemplates", {}).body, "TemplatesMetadata");
  };
  EXPECT_EQ(list(), "");
  EXPECT_TRUE(members("list-templates-empty").empty());
  ASSERT_EQ(world_
                .V1("CreateTemplate",
                    {{"Template.TemplateName", "hello-world"},
                     {"Template.SubjectPart", "Subject test"},
                     {"Template.TextPart", "hello"}})
                .status,
            200);
  const json::array created = members("list-templates-after-create");
  ASSERT_EQ(created.size(), 1u);
  for (const auto& member : created[0].as_object()) {
    EXPECT_NE(XmlText(list(), member.key()), "") << std::string(member.key());
  }
  ASSERT_EQ(world_.V1("DeleteTemplate", {{"TemplateName", "hello-world"}}).status, 200);
  EXPECT_EQ(list(), "");
  EXPECT_TRUE(members("list-templates-after-delete").empty());
}

TEST_F(RecordedExchangesTest, HeadersInNotifications) {
  constexpr std::string_view kCall = "SetIdentityHeadersInNotificationsEnabled";
  ASSERT_EQ(world_.V1("VerifyEmailIdentity", {{"EmailAddress", "known@example.com"}}).status, 200);
  ExpectSameError(
      world_.V1(kCall,
                {{"Identity", "known@example.com"},
                 {"NotificationType", "InvalidType"},
                 {"Enabled", "true"}}),
      Recorded("test_set_identity_headers_in_notifications_enabled_failure_invalid_type")
          .at("set-headers-error-invalidtype")
          .as_object());
  for (const std::string type : {"Bounce", "Complaint", "Delivery"}) {
    ExpectSameError(
        world_.V1(
            kCall,
            {{"Identity", "unknown@example.com"}, {"NotificationType", type}, {"Enabled", "true"}}),
        Recorded("test_set_identity_headers_in_notifications_enabled_failure_unknown_identity[" +
                 type + "]")
            .at("set-headers-error-unknown-identity-" + AsciiLower(type))
            .as_object());
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(world_
                    .V1(kCall,
                        {{"Identity", "known@example.com"},
                         {"NotificationType", type},
                         {"Enabled", "true"}})
                    .status,
                200);
    }
  }
}

TEST_F(RecordedExchangesTest, BadTags) {
  const std::string long_text(256, 'x');
  const std::tuple<std::string_view, std::string, std::string> cases[] = {
      {"test_invalid_name:123-test", "test_invalid_name:123", "test"},
      {"test-test_invalid_value:123", "test", "test_invalid_value:123"},
      {"test_invalid_name:123-test_invalid_value:123",
       "test_invalid_name:123",
       "test_invalid_value:123"},
      {"test_invalid_name_len", long_text, "test"},
      {"test_invalid_value_len", "test", long_text},
      {"test_priority_name_value", "test_invalid_name@123", "test_invalid_value:123"},
      {"-", "", ""},
      {"-test", "", "test"},
      {"test-", "test", ""}};
  for (const auto& [test, name, value] : cases) {
    SCOPED_TRACE(test);
    const json::object& recorded =
        Recorded("test_invalid_tags_send_email[" + std::string(test) + "]");
    ExpectSameError(
        world_.V1("SendEmail",
                  MailForm({{"Tags.member.1.Name", name}, {"Tags.member.1.Value", value}})),
        recorded.at("response").as_object());
  }
}

TEST_F(RecordedExchangesTest, ConfigurationErrors) {
  const auto error = [](std::string_view test, std::string_view step) -> const json::object& {
    return Recorded(test).at(step).as_object();
  };
  const auto destination = [](std::string set, std::string topic) {
    return Form{{"ConfigurationSetName", std::move(set)},
                {"EventDestination.Name", "d"},
                {"EventDestination.Enabled", "true"},
                {"EventDestination.MatchingEventTypes.member.1", "send"},
                {"EventDestination.SNSDestination.TopicARN", std::move(topic)}};
  };
  const std::string missing = world_.topic_arn + "-missing";
  ExpectSameError(world_.V1("CreateConfigurationSetEventDestination", destination("set", missing)),
                  error("test_cannot_create_event_for_no_topic", "create-error"),
                  "<arn>",
                  missing);
  ExpectSameError(
      world_.V1("CreateConfigurationSetEventDestination", destination("gone", world_.topic_arn)),
      error("test_creating_event_destination_without_configuration_set", "create-error"),
      "<config-set>",
      "gone");
  ExpectSameError(world_.V1("DeleteConfigurationSet", {{"ConfigurationSetName", "gone"}}),
                  error("test_deleting_non_existent_configuration_set", "delete-error"),
                  "<config-set>",
                  "gone");
  ExpectSameError(
      world_.V1("DeleteConfigurationSetEventDestination",
                {{"ConfigurationSetName", "set"}, {"EventDestinationName", "gone"}}),
      error("test_deleting_non_existent_configuration_set_event_destination", "delete-error"),
      "<config-set>",
      "gone");
  ExpectSameError(
      world_.V1("DeleteConfigurationSetEventDestination",
                {{"ConfigurationSetName", "non-existent-configuration-set"},
                 {"EventDestinationName", "gone"}}),
      error("test_trying_to_delete_event_destination_from_non_existent_configuration_set",
            "delete-error"));
}

}  // namespace
}  // namespace postglass::mail
