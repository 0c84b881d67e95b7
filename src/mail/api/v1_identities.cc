#include <fmt/format.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "mail/api/paging.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v1_operations.h"

namespace postglass::mail::v1 {
namespace {

constexpr std::size_t kPageMax = 1000;

// The TXT record that AWS would ask for. It is never looked up here, but clients want one.
std::string VerificationToken(const Call& call, std::string_view domain) {
  return Base64Encode(
      Sha256(fmt::format("ses-domain {} {}", call.backend.account.account_id, domain)));
}

}  // namespace

Answer VerifyEmailIdentity(const Call& call) {
  const std::string address(call.params.Get("EmailAddress"));
  if (address.empty()) return V1Missing("emailAddress");
  if (address.find('@') == std::string::npos) {
    return aws::AwsError{
        400, "InvalidParameterValue", fmt::format("Invalid email address <{}>.", address), true};
  }
  return Done(call.backend.identities.Ensure(address));
}

Answer VerifyDomainIdentity(const Call& call) {
  const std::string domain = NormalizeIdentity(call.params.Get("Domain"));
  if (domain.empty()) return V1Missing("domain");
  if (domain.find('@') != std::string::npos) {
    return aws::AwsError{
        400, "InvalidParameterValue", fmt::format("Invalid domain name {}.", domain), true};
  }
  if (SesOutcome failed = call.backend.identities.Ensure(domain)) return V1Error(*failed);
  aws::XmlWriter xml;
  xml.Text("VerificationToken", VerificationToken(call, domain));
  return std::move(xml).Finish();
}

Answer DeleteIdentity(const Call& call) {
  const std::string identity(call.params.Get("Identity"));
  if (identity.empty()) return V1Missing("identity");
  SesOutcome outcome = call.backend.identities.Delete(identity);
  // v1 deletes what is not there without complaint.
  if (outcome && outcome->kind == SesError::Kind::kIdentityDoesNotExist) return std::string();
  return Done(outcome);
}

Answer ListIdentities(const Call& call) {
  const std::string_view type = call.params.Get("IdentityType");
  if (!type.empty() && type != "EmailAddress" && type != "Domain") {
    return V1Invalid("identityType", type, "satisfy enum value set: [EmailAddress, Domain]");
  }
  std::vector<std::string> names;
  for (const auto& identity : call.backend.identities.List()) {
    if (type.empty() || identity->is_domain() == (type == "Domain")) {
      names.push_back(identity->name);
    }
  }
  const auto size = ParsePageSize(call.params.Get("MaxItems"), kPageMax);
  if (!size) {
    return V1Invalid(
        "maxItems", call.params.Get("MaxItems"), fmt::format("be between 1 and {}", kPageMax));
  }
  const auto page = PageOf(names, call.params.Get("NextToken"), *size);
  if (!page) {
    return aws::AwsError{400, "InvalidParameterValue", "Next token is invalid.", true};
  }
  aws::XmlWriter xml;
  xml.Open("Identities");
  for (const std::string& name : page->names) xml.Text("member", name);
  xml.Close();
  if (!page->next_token.empty()) xml.Text("NextToken", page->next_token);
  return std::move(xml).Finish();
}

Answer GetIdentityVerificationAttributes(const Call& call) {
  aws::XmlWriter xml;
  xml.Open("VerificationAttributes");
  for (const std::string& name : call.params.List("Identities")) {
    const auto identity = call.backend.identities.Find(name);
    if (!identity) continue;  // as AWS: unknown ones are left out
    xml.Open("entry").Text("key", name).Open("value").Text("VerificationStatus", "Success");
    if (identity->is_domain()) {
      xml.Text("VerificationToken", VerificationToken(call, identity->name));
    }
    xml.Close().Close();
  }
  return std::move(xml).Finish();
}

}  // namespace postglass::mail::v1
