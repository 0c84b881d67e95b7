#include <gtest/gtest.h>

#include "base/json.h"
#include "mail/api/ses_api_testing.h"
#include "mail/event_json.h"

// Templates in both APIs: kept, shown, tried, sent, sent in bulk.

namespace postglass::mail {
namespace {

using Form = SesApiWorld::Form;

json::object Body(const net::HttpResponse& response) {
  return json::ParseObject(response.body).value_or(json::object());
}

void ExpectV1Error(const net::HttpResponse& response,
                   std::string_view code,
                   std::string_view message) {
  EXPECT_EQ(response.status, 400) << response.body;
  EXPECT_EQ(XmlText(response.body, "Code"), code) << response.body;
  EXPECT_EQ(XmlText(response.body, "Message"), message) << response.body;
}

void ExpectV2Error(const net::HttpResponse& response,
                   int status,
                   std::string_view type,
                   std::string_view message) {
  EXPECT_EQ(response.status, status) << response.body;
  EXPECT_EQ(response.headers.Get("x-amzn-ErrorType"), type);
  EXPECT_EQ(json::GetStringOr(Body(response), "message", ""), message);
}

Form TemplateForm(std::string name, std::string text = "Hi {{name}}") {
  return {{"Template.TemplateName", std::move(name)},
          {"Template.SubjectPart", "For {{name}}"},
          {"Template.TextPart", std::move(text)},
          {"Template.HtmlPart", "<b>{{name}}</b>"}};
}

class TemplatesApiTest : public testing::Test {
 protected:
  TemplatesApiTest() {
    world_.MakeSet("main", {EventType::kSend, EventType::kRenderingFailure});
    EXPECT_EQ(world_.V1("CreateTemplate", TemplateForm("hello")).status, 200);
  }

  static Form SendForm(std::string data) {
    return {{"Source", "Shop <shop@example.com>"},
            {"Destination.ToAddresses.member.1", "ann@example.net"},
            {"Template", "hello"},
            {"TemplateData", std::move(data)},
            {"ConfigurationSetName", "main"}};
  }

  SesApiWorld world_;
};

TEST_F(TemplatesApiTest, V1KeepsThem) {
  ExpectV1Error(world_.V1("CreateTemplate", TemplateForm("hello")),
                "AlreadyExists",
                "Template hello already exists.");
  const std::string got = world_.V1("GetTemplate", {{"TemplateName", "hello"}}).body;
  EXPECT_EQ(XmlText(got, "Template"),
            "<TemplateName>hello</TemplateName><SubjectPart>For {{name}}</SubjectPart>"
            "<TextPart>Hi {{name}}</TextPart><HtmlPart>&lt;b&gt;{{name}}&lt;/b&gt;</HtmlPart>");
  ASSERT_EQ(world_.V1("UpdateTemplate", TemplateForm("hello", "Dear {{name}}")).status, 200);
  EXPECT_EQ(XmlText(world_.V1("GetTemplate", {{"TemplateName", "hello"}}).body, "TextPart"),
            "Dear {{name}}");
  ExpectV1Error(world_.V1("UpdateTemplate", TemplateForm("gone")),
                "TemplateDoesNotExist",
                "Template gone does not exist.");

  ASSERT_EQ(world_.V1("CreateTemplate", TemplateForm("a")).status, 200);
  const std::string first = world_.V1("ListTemplates", {{"MaxItems", "1"}}).body;
  EXPECT_EQ(XmlText(first, "Name"), "a");
  EXPECT_EQ(XmlText(first, "CreatedTimestamp"), "2027-01-15T08:00:00.000Z");
  const std::string rest =
      world_.V1("ListTemplates", {{"NextToken", XmlText(first, "NextToken")}}).body;
  EXPECT_EQ(XmlText(rest, "Name"), "hello");
  EXPECT_EQ(XmlText(rest, "NextToken"), "");
  EXPECT_EQ(world_.V1("ListTemplates", {{"MaxItems", "101"}}).status, 400);

  ASSERT_EQ(world_.V1("DeleteTemplate", {{"TemplateName", "hello"}}).status, 200);
  EXPECT_EQ(world_.V1("DeleteTemplate", {{"TemplateName", "hello"}}).status, 200);
  ExpectV1Error(world_.V1("GetTemplate", {{"TemplateName", "hello"}}),
                "TemplateDoesNotExist",
                "Template hello does not exist.");
}

TEST_F(TemplatesApiTest, WhatIsNoTemplateIsRefused) {
  ExpectV1Error(world_.V1("CreateTemplate", TemplateForm("bad", "{{#if x}}")),
                "InvalidTemplate",
                "Template bad is invalid: the text part: {{#if}} is not closed at byte 0.");
  ExpectV1Error(world_.V1("CreateTemplate", {{"Template.TemplateName", "t"}}),
                "InvalidParameterValue",
                "The subject must be specified.");
  ExpectV1Error(
      world_.V1("CreateTemplate", {{"Template.TemplateName", "t"}, {"Template.SubjectPart", "s"}}),
      "InvalidParameterValue",
      "The text part or the HTML part must be specified.");
  EXPECT_EQ(world_.V1("CreateTemplate", TemplateForm("a b")).status, 400);
  EXPECT_EQ(world_.V1("CreateTemplate", {}).status, 400);
  ExpectV1Error(world_.V1("CreateTemplate", TemplateForm("big", std::string(600 * 1024, 'x'))),
                "LimitExceeded",
                "Template big is larger than 500 KB.");
}

TEST_F(TemplatesApiTest, TheyAreThereAfterARestart) {
  const auto again = EmailTemplates::Load(world_.account, world_.settings, world_.clock);
  ASSERT_TRUE(again);
  ASSERT_NE((*again)->Find("hello"), nullptr);
  EXPECT_EQ(*(*again)->Find("hello"), *world_.templates->Find("hello"));
}

TEST_F(TemplatesApiTest, V1TestRender) {
  const auto render = [&](std::string data) {
    return world_.V1("TestRenderTemplate",
                     {{"TemplateName", "hello"}, {"TemplateData", std::move(data)}});
  };
  const std::string shown = XmlText(render(R"({"name":"Ann"})").body, "RenderedTemplate");
  EXPECT_NE(shown.find("Subject: For Ann"), std::string::npos) << shown;
  EXPECT_NE(shown.find("&lt;b&gt;Ann&lt;/b&gt;"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("From:"), std::string::npos);
  ExpectV1Error(render("{}"),
                "MissingRenderingAttribute",
                "Attribute 'name' is not present in the rendering data.");
  EXPECT_EQ(XmlText(render("[").body, "Code"), "InvalidRenderingParameter");
}

TEST_F(TemplatesApiTest, V1SendsWhatWasRendered) {
  const net::HttpResponse sent = world_.V1("SendTemplatedEmail", SendForm(R"({"name":"Ann"})"));
  ASSERT_EQ(sent.status, 200) << sent.body;
  ASSERT_EQ(world_.spool.mails().size(), 1u);
  const Mail mail = world_.spool.mails()[0];
  EXPECT_EQ(XmlText(sent.body, "MessageId"), mail.message_id);
  EXPECT_EQ(mail.subject, "For Ann");
  EXPECT_NE(mail.raw.find("Hi Ann"), std::string::npos);
  EXPECT_NE(mail.raw.find("<b>Ann</b>"), std::string::npos);
  const json::object send = json::ParseObject(mail.send_object).value();
  EXPECT_EQ(send.at("headers").as_array().size(), 3u);
  EXPECT_FALSE(send.contains("sourceArn"));
  EXPECT_EQ(json::FindPath(send, "tags.ses:operation")->as_array()[0].as_string(),
            "SendTemplatedEmail");
}

TEST_F(TemplatesApiTest, WhatCannotBeRenderedIsAnEvent) {
  const net::HttpResponse sent = world_.V1("SendTemplatedEmail", SendForm("{}"));
  ASSERT_EQ(sent.status, 200) << sent.body;
  EXPECT_TRUE(world_.spool.mails().empty());
  ASSERT_EQ(world_.spool.events().size(), 1u);
  const MailEvent event = world_.spool.events()[0];
  EXPECT_EQ(event.subject.message_id, XmlText(sent.body, "MessageId"));
  const json::object record = json::ParseObject(RenderEvent(event, {})).value();
  EXPECT_EQ(record.at("eventType").as_string(), "Rendering Failure");
  EXPECT_EQ(json::Serialize(record.at("failure")),
            R"({"errorMessage":"Attribute 'name' is not present in the rendering data.",)"
            R"("templateName":"hello"})");
  EXPECT_FALSE(record.at("mail").as_object().contains("headers"));
  EXPECT_EQ(json::Serialize(*json::FindPath(record, "mail.destination")), R"(["ann@example.net"])");
}

TEST_F(TemplatesApiTest, V1SendRefusals) {
  Form unknown = SendForm("{}");
  unknown[2].second = "gone";
  ExpectV1Error(world_.V1("SendTemplatedEmail", unknown),
                "TemplateDoesNotExist",
                "Template gone does not exist.");
  EXPECT_EQ(XmlText(world_.V1("SendTemplatedEmail", SendForm("nonsense")).body, "Code"),
            "InvalidParameterValue");
  Form nobody = SendForm("{}");
  nobody[1].second = "ann";
  EXPECT_EQ(XmlText(world_.V1("SendTemplatedEmail", nobody).body, "Code"), "InvalidParameterValue");
  EXPECT_EQ(world_.V1("SendTemplatedEmail", {}).status, 400);
  EXPECT_TRUE(world_.spool.events().empty());
}

TEST_F(TemplatesApiTest, V1BulkSendsEachByItself) {
  const auto member = [](int number, std::string_view name) {
    return "Destinations.member." + std::to_string(number) + "." + std::string(name);
  };
  Form form = {{"Source", "shop@example.com"},
               {"Template", "hello"},
               {"DefaultTemplateData", R"({"name":"friend"})"},
               {"ConfigurationSetName", "main"},
               {"DefaultTags.member.1.Name", "kind"},
               {"DefaultTags.member.1.Value", "news"},
               {member(1, "Destination.ToAddresses.member.1"), "ann@example.net"},
               {member(1, "ReplacementTemplateData"), R"({"name":"Ann"})"},
               {member(1, "ReplacementTags.member.1.Name"), "kind"},
               {member(1, "ReplacementTags.member.1.Value"), "own"},
               {member(2, "Destination.ToAddresses.member.1"), "bob@example.net"},
               {member(2, "ReplacementTemplateData"), "{}"},
               {member(3, "Destination.ToAddresses.member.1"), "nobody"},
               {member(4, "Destination.ToAddresses.member.1"), "carl@example.net"},
               {member(4, "ReplacementTemplateData"), R"({"other":1})"}};
  const net::HttpResponse sent = world_.V1("SendBulkTemplatedEmail", form);
  ASSERT_EQ(sent.status, 200) << sent.body;
  const auto mails = world_.spool.mails();
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_EQ(mails[0].subject, "For Ann");
  EXPECT_EQ(mails[1].subject, "For friend");
  EXPECT_NE(mails[0].mail_object.find(R"("kind":["own"])"), std::string::npos);
  EXPECT_NE(mails[1].mail_object.find(R"("kind":["news"])"), std::string::npos);
  ASSERT_EQ(world_.spool.events().size(), 1u);
  EXPECT_EQ(XmlText(sent.body, "SendBulkTemplatedEmailResult"),
            "<Status><member><Status>Success</Status><MessageId>" + mails[0].message_id +
                "</MessageId></member><member><Status>Success</Status><MessageId>" +
                mails[1].message_id +
                "</MessageId></member><member><Status>InvalidParameterValue</Status>"
                "<Error>Missing final '@domain'</Error></member>"
                "<member><Status>Success</Status><MessageId>" +
                world_.spool.events()[0].subject.message_id + "</MessageId></member></Status>");

  form[3].second = "gone";
  EXPECT_EQ(XmlText(world_.V1("SendBulkTemplatedEmail", form).body, "Code"),
            "ConfigurationSetDoesNotExist");
  Form many = {{"Source", "a@b.example"}, {"Template", "hello"}};
  for (int i = 1; i <= 51; ++i) {
    many.emplace_back(member(i, "Destination.ToAddresses.member.1"), "a@b.example");
  }
  EXPECT_EQ(XmlText(world_.V1("SendBulkTemplatedEmail", many).body, "Code"),
            "InvalidParameterValue");
}

TEST_F(TemplatesApiTest, V2KeepsThem) {
  const std::string body =
      R"({"TemplateName":"v2","TemplateContent":{"Subject":"S {{a}}","Html":"<p>{{a}}</p>"},)"
      R"("Tags":[{"Key":"team","Value":"shop"}]})";
  ASSERT_EQ(world_.V2("POST", "/templates", body).status, 200);
  ExpectV2Error(world_.V2("POST", "/templates", body),
                400,
                "AlreadyExistsException",
                "Template v2 already exists.");
  EXPECT_EQ(world_.V2("GET", "/templates/v2").body,
            R"({"TemplateName":"v2","TemplateContent":{"Subject":"S {{a}}",)"
            R"("Html":"<p>{{a}}</p>"},"Tags":[{"Key":"team","Value":"shop"}]})");
  const json::object first = Body(world_.V2("GET", "/templates?PageSize=1"));
  EXPECT_EQ(json::Serialize(first.at("TemplatesMetadata")),
            R"([{"TemplateName":"hello","CreatedTimestamp":1.8E9}])");
  const std::string token = json::GetStringOr(first, "NextToken", "");
  EXPECT_EQ(Body(world_.V2("GET", "/templates?NextToken=" + token)).size(), 1u);
  ASSERT_EQ(
      world_.V2("PUT", "/templates/v2", R"({"TemplateContent":{"Subject":"S","Text":"{{b}}"}})")
          .status,
      200);
  ExpectV2Error(world_.V2("POST", "/templates/v2/render", R"({"TemplateData":"{}"})"),
                400,
                "BadRequestException",
                "Attribute 'b' is not present in the rendering data.");
  EXPECT_NE(json::GetStringOr(
                Body(world_.V2(
                    "POST", "/templates/v2/render", R"({"TemplateData":"{\"b\":\"there\"}"})")),
                "RenderedTemplate",
                "")
                .find("there"),
            std::string::npos);
  ASSERT_EQ(world_.V2("DELETE", "/templates/v2").status, 200);
  ExpectV2Error(world_.V2("DELETE", "/templates/v2"),
                404,
                "NotFoundException",
                "Template v2 does not exist.");
  EXPECT_EQ(world_.V2("GET", "/templates/v2").status, 404);
  EXPECT_EQ(world_.V2("PUT", "/templates/v2", "{}").status, 400);
}

TEST_F(TemplatesApiTest, V2SendsByNameByArnAndInline) {
  const auto send = [&](std::string_view content) {
    return world_.V2(
        "POST",
        "/outbound-emails",
        R"({"FromEmailAddress":"shop@example.com","Destination":{"ToAddresses":)"
        R"(["ann@example.net"]},"ConfigurationSetName":"main","Content":{"Template":)" +
            std::string(content) + "}}");
  };
  ASSERT_EQ(send(R"({"TemplateName":"hello","TemplateData":"{\"name\":\"Ann\"}",)"
                 R"("Headers":[{"Name":"X-Own","Value":"1"}],)"
                 R"("Attachments":[{"FileName":"a.txt","RawContent":"YQ=="}]})")
                .status,
            200);
  EXPECT_NE(world_.spool.mails()[0].raw.find("X-Own: 1"), std::string::npos);
  EXPECT_NE(world_.spool.mails()[0].raw.find("a.txt"), std::string::npos);
  ASSERT_EQ(send(R"({"TemplateArn":"arn:aws:ses:us-east-1:123456789012:template/hello",)"
                 R"("TemplateData":"{\"name\":\"Bob\"}"})")
                .status,
            200);
  EXPECT_EQ(world_.spool.mails()[1].subject, "For Bob");
  ASSERT_EQ(send(R"({"TemplateContent":{"Subject":"{{s}}","Text":"t"},)"
                 R"("TemplateData":"{\"s\":\"inline\"}"})")
                .status,
            200);
  EXPECT_EQ(world_.spool.mails()[2].subject, "inline");
  ASSERT_EQ(send(R"({"TemplateName":"hello"})").status, 200);
  EXPECT_EQ(world_.spool.events().size(), 1u);
  ExpectV2Error(send(R"({"TemplateName":"gone"})"),
                404,
                "NotFoundException",
                "Template gone does not exist.");
  EXPECT_EQ(send("{}").status, 400);
  EXPECT_EQ(send(R"({"TemplateContent":{"Subject":"{{","Text":"t"}})").status, 400);
  EXPECT_EQ(send(R"({"TemplateContent":{"Subject":"s"}})").status, 400);
  EXPECT_EQ(send(R"({"TemplateName":"hello","TemplateData":"7"})").status, 400);
}

TEST_F(TemplatesApiTest, V2BulkSendsEachByItself) {
  const auto bulk = [&](std::string_view entries) {
    return world_.V2("POST",
                     "/outbound-bulk-emails",
                     R"({"FromEmailAddress":"shop@example.com","DefaultContent":{"Template":)"
                     R"({"TemplateName":"hello","TemplateData":"{\"name\":\"friend\"}",)"
                     R"("Headers":[{"Name":"X-A","Value":"default"}]}},)"
                     R"("DefaultEmailTags":[{"Name":"kind","Value":"news"}],"BulkEmailEntries":)" +
                         std::string(entries) + "}");
  };
  const net::HttpResponse sent =
      bulk(R"([{"Destination":{"ToAddresses":["ann@example.net"]},"ReplacementEmailContent":)"
           R"({"ReplacementTemplate":{"ReplacementTemplateData":"{\"name\":\"Ann\"}"}},)"
           R"("ReplacementHeaders":[{"Name":"x-a","Value":"own"}]},)"
           R"({"Destination":{"ToAddresses":["bob@example.net"]}},)"
           R"({"Destination":{"ToAddresses":["x"]}}])");
  ASSERT_EQ(sent.status, 200) << sent.body;
  const auto mails = world_.spool.mails();
  ASSERT_EQ(mails.size(), 2u);
  EXPECT_EQ(mails[0].subject, "For Ann");
  EXPECT_NE(mails[0].raw.find("x-a: own"), std::string::npos);
  EXPECT_EQ(mails[0].raw.find("X-A: default"), std::string::npos);
  EXPECT_NE(mails[1].raw.find("X-A: default"), std::string::npos);
  EXPECT_EQ(sent.body,
            R"({"BulkEmailEntryResults":[{"Status":"SUCCESS","MessageId":")" + mails[0].message_id +
                R"("},{"Status":"SUCCESS","MessageId":")" + mails[1].message_id +
                R"("},{"Status":"INVALID_PARAMETER","Error":"Missing final '@domain'"}]})");
  EXPECT_EQ(bulk("[]").status, 400);
  EXPECT_EQ(bulk("[7]").status, 400);
  EXPECT_EQ(world_.V2("POST", "/outbound-bulk-emails", "{}").status, 400);
}

}  // namespace
}  // namespace postglass::mail
