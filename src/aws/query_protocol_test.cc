#include "aws/query_protocol.h"

#include <gtest/gtest.h>

namespace postglass::aws {
namespace {

net::HttpRequest Form(std::string body) {
  net::HttpRequest request;
  request.method = "POST";
  request.target = "/";
  request.headers.Add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  request.body = std::move(body);
  return request;
}

TEST(QueryParams, ReadsFormAndQueryTogether) {
  net::HttpRequest request = Form("Action=SendEmail&Subject=a%20b+c");
  request.target = "/?Version=2010-12-01";
  const Result<QueryParams> params = QueryParams::Parse(request);
  ASSERT_TRUE(params);
  EXPECT_EQ(params->action(), "SendEmail");
  EXPECT_EQ(params->Get("Subject"), "a b c");
  EXPECT_EQ(params->Get("Version"), "2010-12-01");
  EXPECT_FALSE(params->Find("Nothing"));
}

TEST(QueryParams, ListsStructuresAndMaps) {
  const Result<QueryParams> params = QueryParams::Parse(
      Form("To.member.2=b&To.member.1=a&To.member.4=d"
           "&Tags.member.1.Name=n&Tags.member.1.Value=v&Tags.member.2.Name=m"
           "&Attributes.entry.1.key=Policy&Attributes.entry.1.value=%7B%7D"
           "&Attributes.entry.2.key=DisplayName"
           "&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.StringValue=x"));
  ASSERT_TRUE(params);
  EXPECT_EQ(params->List("To"), (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(params->List("Cc").empty());
  EXPECT_EQ(params->StructListSize("Tags"), 2U);
  EXPECT_TRUE(params->HasPrefix("Tags"));
  EXPECT_FALSE(params->HasPrefix("Tag"));
  using Entries = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(params->Map("Attributes"), (Entries{{"Policy", "{}"}, {"DisplayName", ""}}));
  EXPECT_EQ(params->Map("MessageAttributes", "Name", "Value.StringValue"), (Entries{{"a", "x"}}));
}

TEST(QueryParams, RefusesOtherBodies) {
  net::HttpRequest request = Form(R"({"a":1})");
  request.headers.Set("Content-Type", "application/json");
  const Result<QueryParams> params = QueryParams::Parse(request);
  ASSERT_FALSE(params);
  EXPECT_EQ(params.error().code, ErrorCode::kInvalidArgument);
}

TEST(XmlWriter, EscapesTextAndClosesWhatIsOpen) {
  XmlWriter xml;
  xml.Open("A", "urn:x").Text("B", "<&>\"\x01\r\xFF").Open("C");
  EXPECT_EQ(
      std::move(xml).Finish(),
      "<A xmlns=\"urn:x\"><B>&lt;&amp;&gt;&quot;\xEF\xBF\xBD&#xD;\xEF\xBF\xBD</B><C></C></A>");
}

TEST(QueryResponse, HasResultMetadataAndRequestId) {
  const net::HttpResponse with =
      QueryResponse(kSnsNamespace, "Publish", "<MessageId>1</MessageId>", "r");
  EXPECT_EQ(with.status, 200);
  EXPECT_EQ(with.headers.Get("x-amzn-RequestId"), "r");
  EXPECT_EQ(with.headers.Get("Content-Type"), "text/xml");
  EXPECT_EQ(with.body,
            "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult>"
            "<MessageId>1</MessageId></PublishResult><ResponseMetadata><RequestId>r</RequestId>"
            "</ResponseMetadata></PublishResponse>");
  const net::HttpResponse without =
      QueryResponse(kSnsNamespace, "DeleteTopic", "", "r", ResultElement::kNone);
  EXPECT_EQ(without.body.find("Result"), std::string::npos);
}

TEST(QueryResponse, ErrorsNameTypeCodeAndMessage) {
  const net::HttpResponse response =
      QueryErrorResponse(kSesNamespace, {400, "MessageRejected", "a < b"}, "r");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body,
            "<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><Error>"
            "<Type>Sender</Type><Code>MessageRejected</Code><Message>a &lt; b</Message></Error>"
            "<RequestId>r</RequestId></ErrorResponse>");
}

TEST(RestJson, ErrorsOfTheGatewayGetTheJsonProtocolsNames) {
  for (const auto& [query, json] : std::vector<std::pair<std::string, std::string>>{
           {"InvalidClientTokenId", "UnrecognizedClientException"},
           {"MissingAuthenticationToken", "MissingAuthenticationTokenException"},
           {"AccessDenied", "AccessDeniedException"},
           {"NotFoundException", "NotFoundException"}}) {
    const net::HttpResponse response = RestJsonErrorResponse({403, query, "no \"x\""}, "r");
    EXPECT_EQ(response.status, 403);
    EXPECT_EQ(response.headers.Get("x-amzn-ErrorType"), json);
    EXPECT_EQ(response.body, R"({"message":"no \"x\""})");
  }
}

}  // namespace
}  // namespace postglass::aws
