#include "aws/sts_service.h"

#include <fmt/format.h>

#include "aws/query_protocol.h"
#include "base/crypto.h"
#include "base/encoding.h"

namespace postglass::aws {
namespace {

constexpr std::string_view kNamespace = "https://sts.amazonaws.com/doc/2011-06-15/";

// A stable unique id in IAM's shape: AIDA and 17 upper-case letters and digits of base 32.
std::string UserId(const Account& account, std::string_view user_name) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "AIDA";
  const std::string hash = Sha256(fmt::format("{}/{}", account.account_id, user_name));
  for (std::size_t i = 0; i < 17; ++i) {
    id += kLetters[static_cast<unsigned char>(hash[i]) % kLetters.size()];
  }
  return id;
}

}  // namespace

net::HttpResponse StsService::Handle(const ServiceRequest& request) {
  const Result<QueryParams> params = QueryParams::Parse(request.http);
  if (!params) {
    return RenderError(request, {400, "MalformedInput", params.error().message});
  }
  if (params->action() != "GetCallerIdentity") {
    return RenderError(request,
                       {400,
                        "InvalidAction",
                        fmt::format("Could not find operation {} for version {}",
                                    params->action(),
                                    params->Find("Version").value_or("NO_VERSION_SPECIFIED"))});
  }
  XmlWriter xml;
  xml.Text("Arn",
           fmt::format("arn:aws:iam::{}:user/{}", account_.account_id, request.caller.user_name));
  xml.Text("UserId", UserId(account_, request.caller.user_name));
  xml.Text("Account", account_.account_id);
  return QueryResponse(
      kNamespace, "GetCallerIdentity", std::move(xml).Finish(), request.request_id);
}

net::HttpResponse StsService::RenderError(const ServiceRequest& request, const AwsError& error) {
  return QueryErrorResponse(kNamespace, error, request.request_id);
}

std::string StsService::ActionOf(const net::HttpRequest& request) const {
  const Result<QueryParams> params = QueryParams::Parse(request);
  // Only what is here: the gateway asks each service whose an unsigned call may be.
  if (!params || params->action() != "GetCallerIdentity") return {};
  return "sts:GetCallerIdentity";
}

}  // namespace postglass::aws
