#include "access/iam_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "access/unique_id.h"
#include "base/encoding.h"
#include "base/log.h"
#include "base/time_format.h"

namespace postglass::access {
namespace {

constexpr std::string_view kNamespace = "https://iam.amazonaws.com/doc/2010-05-08/";
constexpr std::size_t kTagsMax = 50;  // [IAM]

}  // namespace

const IamApi::NamedOperation IamApi::kOperations[] = {
    {"CreateRole", &IamApi::CreateRole},
    {"GetRole", &IamApi::GetRole},
    {"ListRoles", &IamApi::ListRoles},
    {"UpdateRole", &IamApi::UpdateRole},
    {"UpdateRoleDescription", &IamApi::UpdateRole},
    {"UpdateAssumeRolePolicy", &IamApi::UpdateAssumeRolePolicy},
    {"DeleteRole", &IamApi::DeleteRole},
    {"PutRolePolicy", &IamApi::PutRolePolicy},
    {"GetRolePolicy", &IamApi::GetRolePolicy},
    {"DeleteRolePolicy", &IamApi::DeleteRolePolicy},
    {"ListRolePolicies", &IamApi::ListRolePolicies},
    {"AttachRolePolicy", &IamApi::AttachRolePolicy},
    {"DetachRolePolicy", &IamApi::DetachRolePolicy},
    {"ListAttachedRolePolicies", &IamApi::ListAttachedRolePolicies},
    {"ListInstanceProfilesForRole", &IamApi::ListInstanceProfilesForRole},
    {"TagRole", &IamApi::TagRole},
    {"UntagRole", &IamApi::UntagRole},
    {"ListRoleTags", &IamApi::ListRoleTags},
    {"CreatePolicy", &IamApi::CreatePolicy},
    {"GetPolicy", &IamApi::GetPolicy},
    {"ListPolicies", &IamApi::ListPolicies},
    {"DeletePolicy", &IamApi::DeletePolicy},
    {"CreatePolicyVersion", &IamApi::CreatePolicyVersion},
    {"GetPolicyVersion", &IamApi::GetPolicyVersion},
    {"ListPolicyVersions", &IamApi::ListPolicyVersions},
    {"DeletePolicyVersion", &IamApi::DeletePolicyVersion},
    {"SetDefaultPolicyVersion", &IamApi::SetDefaultPolicyVersion},
    {"ListEntitiesForPolicy", &IamApi::ListEntitiesForPolicy},
    {"GetUser", &IamApi::GetUser},
    {"ListAccessKeys", &IamApi::ListAccessKeys},
};

const IamApi::NamedOperation* IamApi::FindOperation(std::string_view action) {
  for (const NamedOperation& operation : kOperations) {
    if (operation.name == action) return &operation;
  }
  return nullptr;
}

net::HttpResponse IamApi::Handle(const aws::ServiceRequest& request) {
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request.http);
  if (!params) return RenderError(request, {400, "MalformedInput", params.error().message});
  const NamedOperation* operation = FindOperation(params->action());
  if (operation == nullptr) {
    return RenderError(request,
                       {400,
                        "InvalidAction",
                        fmt::format("Could not find operation {} for version {}",
                                    params->action(),
                                    params->Find("Version").value_or("NO_VERSION_SPECIFIED"))});
  }
  const Reply reply = (this->*operation->run)({request, *params});
  if (const auto* error = std::get_if<aws::AwsError>(&reply)) return RenderError(request, *error);
  const auto* xml = std::get_if<std::string>(&reply);
  return aws::QueryResponse(
      kNamespace,
      operation->name,
      xml == nullptr ? std::string() : *xml,
      request.request_id,
      xml == nullptr ? aws::ResultElement::kNone : aws::ResultElement::kPresent);
}

net::HttpResponse IamApi::RenderError(const aws::ServiceRequest& request,
                                      const aws::AwsError& error) {
  return aws::QueryErrorResponse(kNamespace, error, request.request_id);
}

std::string IamApi::ActionOf(const net::HttpRequest& request) const {
  const Result<aws::QueryParams> params = aws::QueryParams::Parse(request);
  if (!params || FindOperation(params->action()) == nullptr) return {};
  return fmt::format("iam:{}", params->action());
}

IamApi::Reply IamApi::GetUser(const Call& call) {
  std::string name(call.params.Get("UserName"));
  if (name.empty()) {
    if (!call.request.caller.assumed_role_arn.empty()) {
      return aws::AwsError{
          400, "ValidationError", "Must specify userName when calling with non-User credentials"};
    }
    name = call.request.caller.user_name;
  }
  // A user is whoever has an access key; there are no others.
  std::optional<Timestamp> since;
  for (const KeyInfo& key : keys_.List()) {
    if (key.kind != KeyInfo::Kind::kAws || key.name != name) continue;
    since = std::min(since.value_or(key.created_at), key.created_at);
  }
  if (!since) return NoSuchEntity(fmt::format("The user with name {} cannot be found.", name));
  const std::string& account = iam_.account().account_id;
  aws::XmlWriter xml;
  xml.Open("User")
      .Text("Path", "/")
      .Text("UserName", name)
      .Text("UserId", UniqueIdOf("AIDA", fmt::format("{}/{}", account, name)))
      .Text("Arn", fmt::format("arn:aws:iam::{}:user/{}", account, name))
      .Text("CreateDate", IamTime(*since));
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::ListAccessKeys(const Call& call) {
  std::string name(call.params.Get("UserName"));
  if (name.empty()) name = call.request.caller.user_name;
  aws::XmlWriter xml;
  xml.Open("AccessKeyMetadata");
  for (const KeyInfo& key : keys_.List()) {
    if (key.kind != KeyInfo::Kind::kAws || key.name != name) continue;
    xml.Open("member")
        .Text("UserName", name)
        .Text("AccessKeyId", key.id)
        .Text("Status", "Active")
        .Text("CreateDate", IamTime(key.created_at))
        .Close();
  }
  xml.Close();
  xml.Text("IsTruncated", "false");
  return std::move(xml).Finish();
}

IamPage PageOf(const aws::QueryParams& params, std::size_t count) {
  const auto invalid = [](std::string_view what) {
    IamPage page;
    page.error = aws::AwsError{400, "ValidationError", fmt::format("Invalid {}", what)};
    return page;
  };
  const auto number = [](std::string_view text) {
    std::size_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(n)
                                                                    : std::nullopt;
  };
  IamPage page;
  std::size_t size = 100;
  if (const auto text = params.Find("MaxItems")) {
    const auto items = number(*text);
    if (!items || *items == 0 || *items > kIamItemsMax) return invalid("MaxItems");
    size = *items;
  }
  if (const auto text = params.Find("Marker")) {
    const auto from = number(Base64UrlDecode(*text).value_or(""));
    if (!from) return invalid("Marker");
    page.from = std::min(*from, count);
  }
  page.to = std::min(page.from + size, count);
  return page;
}

void AppendPageEnd(aws::XmlWriter& xml, const IamPage& page, std::size_t count) {
  xml.Text("IsTruncated", page.to < count ? "true" : "false");
  if (page.to < count) xml.Text("Marker", Base64UrlEncode(std::to_string(page.to)));
}

aws::AwsError NoSuchEntity(std::string message) {
  return {404, "NoSuchEntity", std::move(message)};
}

aws::AwsError IamStorageError(const Error& error) {
  if (error.code == ErrorCode::kLimit) return {409, "LimitExceeded", error.message};
  log::Error("access", "IAM call failed: {}", error.message);
  return {500, "ServiceFailure", "Service is unavailable. Please try again.", false};
}

std::variant<std::string, aws::AwsError> ReadPolicyDocument(const aws::QueryParams& params,
                                                            std::string_view parameter,
                                                            std::size_t bytes_max,
                                                            Status (*check)(const json::object&)) {
  std::string text(params.Get(parameter));
  if (text.size() > bytes_max) {
    return aws::AwsError{
        409, "LimitExceeded", fmt::format("Cannot exceed quota for PolicySize: {}", bytes_max)};
  }
  const Result<json::object> policy = json::ParseObject(text);
  if (!policy) {
    return aws::AwsError{400, "MalformedPolicyDocument", "Syntax errors in policy."};
  }
  if (const Status good = check(*policy); !good) {
    return aws::AwsError{400,
                         "MalformedPolicyDocument",
                         fmt::format("Syntax errors in policy: {}.", good.error().message)};
  }
  return text;
}

std::variant<Tags, aws::AwsError> ReadTags(const aws::QueryParams& params) {
  Tags tags;
  const std::size_t count = params.StructListSize("Tags");
  for (std::size_t i = 1; i <= count; ++i) {
    const std::string key(params.Get(fmt::format("Tags.member.{}.Key", i)));
    const std::string value(params.Get(fmt::format("Tags.member.{}.Value", i)));
    if (key.empty() || key.size() > 128 || value.size() > 256) {
      return aws::AwsError{400, "ValidationError", "Tag keys are 1 to 128 characters, values 256."};
    }
    if (!tags.emplace(key, value).second) {
      return aws::AwsError{400, "InvalidInput", "Duplicate tag keys found."};
    }
  }
  if (tags.size() > kTagsMax) {
    return aws::AwsError{409, "LimitExceeded", "The number of tags has reached the maximum limit."};
  }
  return tags;
}

void AppendTags(aws::XmlWriter& xml, const Tags& tags) {
  xml.Open("Tags");
  for (const auto& [key, value] : tags) {
    xml.Open("member").Text("Key", key).Text("Value", value).Close();
  }
  xml.Close();
}

std::string IamTime(Timestamp t) {
  const std::string text = FormatIso8601Millis(t);
  return text.substr(0, text.find('.')) + "Z";
}

}  // namespace postglass::access
