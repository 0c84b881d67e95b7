#include <fmt/format.h>

#include <algorithm>

#include "access/iam_api.h"
#include "access/unique_id.h"
#include "base/encoding.h"

// The operations on managed policies.

namespace postglass::access {
namespace {

constexpr std::size_t kDocumentBytesMax = 6'144;  // [IAM]
constexpr std::size_t kVersionsMax = 5;           // [IAM]

bool IsAwsManaged(const ManagedPolicy& policy) {
  return policy.arn.starts_with("arn:aws:iam::aws:");
}

void AppendVersion(aws::XmlWriter& xml,
                   const ManagedPolicy& policy,
                   const ManagedPolicy::Version& version,
                   bool with_document) {
  if (with_document) xml.Text("Document", PercentEncode(version.document));
  xml.Text("VersionId", version.id)
      .Text("IsDefaultVersion", version.id == policy.default_version ? "true" : "false")
      .Text("CreateDate", IamTime(version.created_at));
}

aws::AwsError NoSuchVersion(const ManagedPolicy& policy, std::string_view id) {
  return NoSuchEntity(
      fmt::format("Policy {} version {} does not exist or is not attachable.", policy.arn, id));
}

}  // namespace

IamApi::PolicyOrError IamApi::FindPolicy(const Call& call) const {
  const std::string_view arn = call.params.Get("PolicyArn");
  std::shared_ptr<const ManagedPolicy> policy = iam_.FindPolicy(arn);
  if (!policy) return {nullptr, NoSuchEntity(fmt::format("Policy {} was not found.", arn))};
  return {std::move(policy), std::nullopt};
}

IamApi::PolicyOrError IamApi::FindOwnPolicy(const Call& call) const {
  PolicyOrError found = FindPolicy(call);
  if (found.policy && IsAwsManaged(*found.policy)) {
    found.error = aws::AwsError{
        403, "AccessDenied", fmt::format("{} is managed by Amazon", found.policy->arn)};
  }
  return found;
}

std::size_t IamApi::RolesWith(std::string_view policy_arn) const {
  const auto roles = iam_.ListRoles();
  return static_cast<std::size_t>(
      std::count_if(roles.begin(), roles.end(), [policy_arn](const auto& role) {
        return std::find(role->attached.begin(), role->attached.end(), policy_arn) !=
               role->attached.end();
      }));
}

void IamApi::AppendPolicy(aws::XmlWriter& xml, const ManagedPolicy& policy) const {
  xml.Text("PolicyName", policy.name)
      .Text("PolicyId", policy.id)
      .Text("Arn", policy.arn)
      .Text("Path", policy.path)
      .Text("DefaultVersionId", policy.default_version)
      .Text("AttachmentCount", std::to_string(RolesWith(policy.arn)))
      .Text("PermissionsBoundaryUsageCount", "0")
      .Text("IsAttachable", "true");
  if (!policy.description.empty()) xml.Text("Description", policy.description);
  xml.Text("CreateDate", IamTime(policy.created_at)).Text("UpdateDate", IamTime(policy.updated_at));
  if (!policy.tags.empty()) AppendTags(xml, policy.tags);
}

IamApi::Reply IamApi::StorePolicy(ManagedPolicy policy) {
  if (const Status stored = iam_.PutPolicy(std::move(policy)); !stored) {
    return IamStorageError(stored.error());
  }
  return Nothing();
}

IamApi::Reply IamApi::CreatePolicy(const Call& call) {
  ManagedPolicy policy;
  policy.name = call.params.Get("PolicyName");
  const bool good = !policy.name.empty() && policy.name.size() <= 128 &&
                    std::all_of(policy.name.begin(), policy.name.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') ||
                             std::string_view("_+=,.@-").find(c) != std::string_view::npos;
                    });
  if (!good) {
    return aws::AwsError{400, "ValidationError", "The specified value for policyName is invalid."};
  }
  policy.path = call.params.Find("Path").value_or("/");
  if (!policy.path.starts_with('/') || !policy.path.ends_with('/') || policy.path.size() > 512) {
    return aws::AwsError{400, "ValidationError", "The specified value for path is invalid."};
  }
  const auto document = ReadPolicyDocument(
      call.params, "PolicyDocument", kDocumentBytesMax, &aws::CheckIdentityPolicy);
  if (const auto* error = std::get_if<aws::AwsError>(&document)) return *error;
  const auto tags = ReadTags(call.params);
  if (const auto* error = std::get_if<aws::AwsError>(&tags)) return *error;
  policy.tags = std::get<Tags>(tags);
  policy.description = call.params.Get("Description").substr(0, 1'000);
  policy.id = MakeUniqueId("ANPA", random_);
  policy.arn = fmt::format(
      "arn:aws:iam::{}:policy{}{}", iam_.account().account_id, policy.path, policy.name);
  policy.created_at = policy.updated_at = clock_.Now();
  policy.versions.push_back({"v1", std::get<std::string>(document), policy.created_at});
  policy.default_version = "v1";

  MutexLock changing(iam_.change_mutex());
  if (iam_.FindPolicy(policy.arn)) {
    return aws::AwsError{409,
                         "EntityAlreadyExists",
                         fmt::format("A policy called {} already exists. Duplicate names are not "
                                     "allowed.",
                                     policy.name)};
  }
  aws::XmlWriter xml;
  xml.Open("Policy");
  AppendPolicy(xml, policy);
  Reply stored = StorePolicy(std::move(policy));
  if (std::holds_alternative<aws::AwsError>(stored)) return stored;
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::GetPolicy(const Call& call) {
  const PolicyOrError found = FindPolicy(call);
  if (found.error) return *found.error;
  aws::XmlWriter xml;
  xml.Open("Policy");
  AppendPolicy(xml, *found.policy);
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::ListPolicies(const Call& call) {
  const std::string_view scope = call.params.Get("Scope");
  auto policies = iam_.ListPolicies(scope == "Local" ? IamStore::Scope::kLocal
                                    : scope == "AWS" ? IamStore::Scope::kAws
                                                     : IamStore::Scope::kAll);
  const std::string prefix(call.params.Get("PathPrefix"));
  const bool attached_only = EqualsIgnoreAsciiCase(call.params.Get("OnlyAttached"), "true");
  std::erase_if(policies, [&](const auto& policy) {
    return !policy->path.starts_with(prefix) || (attached_only && RolesWith(policy->arn) == 0);
  });
  const IamPage page = PageOf(call.params, policies.size());
  if (page.error) return *page.error;
  aws::XmlWriter xml;
  xml.Open("Policies");
  for (std::size_t i = page.from; i < page.to; ++i) {
    xml.Open("member");
    AppendPolicy(xml, *policies[i]);
    xml.Close();
  }
  xml.Close();
  AppendPageEnd(xml, page, policies.size());
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::DeletePolicy(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const PolicyOrError found = FindOwnPolicy(call);
  if (found.error) return *found.error;
  if (RolesWith(found.policy->arn) > 0) {
    return aws::AwsError{409, "DeleteConflict", "Cannot delete a policy attached to entities."};
  }
  if (found.policy->versions.size() > 1) {
    return aws::AwsError{
        409,
        "DeleteConflict",
        "This policy has more than one version. Before you delete a policy, you must delete the "
        "policy's versions. The default version is deleted with the policy."};
  }
  if (const Status removed = iam_.RemovePolicy(found.policy->arn); !removed) {
    return IamStorageError(removed.error());
  }
  return Nothing();
}

IamApi::Reply IamApi::CreatePolicyVersion(const Call& call) {
  const auto document = ReadPolicyDocument(
      call.params, "PolicyDocument", kDocumentBytesMax, &aws::CheckIdentityPolicy);
  if (const auto* error = std::get_if<aws::AwsError>(&document)) return *error;
  MutexLock changing(iam_.change_mutex());
  const PolicyOrError found = FindOwnPolicy(call);
  if (found.error) return *found.error;
  ManagedPolicy changed = *found.policy;
  if (changed.versions.size() >= kVersionsMax) {
    return aws::AwsError{409,
                         "LimitExceeded",
                         "A managed policy can have up to 5 versions. Before you create a new "
                         "version, you must delete an existing version."};
  }
  // Numbers are never used again.
  const int last = std::atoi(changed.versions.back().id.c_str() + 1);
  changed.versions.push_back(
      {fmt::format("v{}", last + 1), std::get<std::string>(document), clock_.Now()});
  changed.updated_at = clock_.Now();
  if (EqualsIgnoreAsciiCase(call.params.Get("SetAsDefault"), "true")) {
    changed.default_version = changed.versions.back().id;
  }
  aws::XmlWriter xml;
  xml.Open("PolicyVersion");
  AppendVersion(xml, changed, changed.versions.back(), false);
  Reply stored = StorePolicy(std::move(changed));
  if (std::holds_alternative<aws::AwsError>(stored)) return stored;
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::GetPolicyVersion(const Call& call) {
  const PolicyOrError found = FindPolicy(call);
  if (found.error) return *found.error;
  const std::string_view id = call.params.Get("VersionId");
  const ManagedPolicy::Version* version = found.policy->FindVersion(id);
  if (version == nullptr) return NoSuchVersion(*found.policy, id);
  aws::XmlWriter xml;
  xml.Open("PolicyVersion");
  AppendVersion(xml, *found.policy, *version, true);
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::ListPolicyVersions(const Call& call) {
  const PolicyOrError found = FindPolicy(call);
  if (found.error) return *found.error;
  const auto& versions = found.policy->versions;
  aws::XmlWriter xml;
  xml.Open("Versions");
  for (auto at = versions.rbegin(); at != versions.rend(); ++at) {
    xml.Open("member");
    AppendVersion(xml, *found.policy, *at, false);
    xml.Close();
  }
  xml.Close();
  xml.Text("IsTruncated", "false");
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::DeletePolicyVersion(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const PolicyOrError found = FindOwnPolicy(call);
  if (found.error) return *found.error;
  const std::string id(call.params.Get("VersionId"));
  if (id == found.policy->default_version) {
    return aws::AwsError{409, "DeleteConflict", "Cannot delete the default version of a policy."};
  }
  ManagedPolicy changed = *found.policy;
  if (std::erase_if(changed.versions, [&id](const auto& each) { return each.id == id; }) == 0) {
    return NoSuchVersion(changed, id);
  }
  return StorePolicy(std::move(changed));
}

IamApi::Reply IamApi::SetDefaultPolicyVersion(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const PolicyOrError found = FindOwnPolicy(call);
  if (found.error) return *found.error;
  const std::string id(call.params.Get("VersionId"));
  ManagedPolicy changed = *found.policy;
  if (changed.FindVersion(id) == nullptr) return NoSuchVersion(changed, id);
  changed.default_version = id;
  changed.updated_at = clock_.Now();
  return StorePolicy(std::move(changed));
}

IamApi::Reply IamApi::ListEntitiesForPolicy(const Call& call) {
  const PolicyOrError found = FindPolicy(call);
  if (found.error) return *found.error;
  aws::XmlWriter xml;
  xml.Open("PolicyGroups").Close();
  xml.Open("PolicyUsers").Close();
  xml.Open("PolicyRoles");
  for (const auto& role : iam_.ListRoles()) {
    if (std::find(role->attached.begin(), role->attached.end(), found.policy->arn) ==
        role->attached.end()) {
      continue;
    }
    xml.Open("member").Text("RoleName", role->name).Text("RoleId", role->id).Close();
  }
  xml.Close();
  xml.Text("IsTruncated", "false");
  return std::move(xml).Finish();
}

}  // namespace postglass::access
