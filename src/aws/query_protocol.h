#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/service.h"
#include "net/http.h"

// The AWS query protocol (SES v1, SNS, STS, IAM): form in, XML out.

namespace postglass::aws {

// The parameters of one call: query string and form body together.
class QueryParams {
 public:
  // kInvalidArgument when the body is not a form.
  static Result<QueryParams> Parse(const net::HttpRequest& request);

  std::string_view action() const { return Get("Action"); }

  std::optional<std::string_view> Find(std::string_view name) const;

  std::string_view Get(std::string_view name) const { return Find(name).value_or(""); }

  bool HasPrefix(std::string_view prefix) const;  // any parameter "prefix.…"
  // "X.member.1", "X.member.2" …, in order of number, until the first gap; at most 10,000.
  std::vector<std::string> List(std::string_view name) const;
  // How many members the list of structures "name.member.N.…" has.
  std::size_t StructListSize(std::string_view name) const;
  // "Attributes.entry.N.key/value" (key_name and value_name are "key","value" or "Name","Value").
  std::vector<std::pair<std::string, std::string>> Map(std::string_view name,
                                                       std::string_view key_name = "key",
                                                       std::string_view value_name = "value") const;

 private:
  std::map<std::string, std::string, std::less<>> params_;
};

// Builds an XML text; names are trusted, text is escaped (control characters that XML 1.0 cannot
// hold become U+FFFD).
class XmlWriter {
 public:
  XmlWriter& Open(std::string_view name, std::string_view xmlns = {});
  XmlWriter& Close();
  XmlWriter& Text(std::string_view name, std::string_view text);  // <name>text</name>
  std::string Finish() &&;                                        // closes what is open

 private:
  std::string out_;
  std::vector<std::string> open_;
};

inline constexpr std::string_view kSesNamespace = "http://ses.amazonaws.com/doc/2010-12-01/";
inline constexpr std::string_view kSnsNamespace = "http://sns.amazonaws.com/doc/2010-03-31/";

// <ActionResponse xmlns><ActionResult>inner</ActionResult><ResponseMetadata>…; `inner` is XML or
// empty. Without a result element (DeleteTopic, say) pass with_result = Result::kNone.
enum class ResultElement { kPresent, kNone };
net::HttpResponse QueryResponse(std::string_view xmlns,
                                std::string_view action,
                                std::string_view inner_xml,
                                std::string_view request_id,
                                ResultElement with_result = ResultElement::kPresent);
net::HttpResponse QueryErrorResponse(std::string_view xmlns,
                                     const AwsError& error,
                                     std::string_view request_id);

// REST-JSON (SES v2, Lambda): {"message": …} and x-amzn-ErrorType.
net::HttpResponse RestJsonResponse(int status, std::string json, std::string_view request_id);
net::HttpResponse RestJsonErrorResponse(const AwsError& error, std::string_view request_id);

}  // namespace postglass::aws
