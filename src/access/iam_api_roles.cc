#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "access/iam_api.h"
#include "access/unique_id.h"
#include "base/encoding.h"

// The operations on roles.

namespace postglass::access {
namespace {

constexpr std::size_t kTrustBytesMax = 4'096;    // [IAM] quota can be raised to this
constexpr std::size_t kInlineBytesMax = 10'240;  // [IAM] of all inline policies of a role
constexpr std::size_t kAttachedMax = 20;         // [IAM] quota can be raised to this

bool IsEntityName(std::string_view name, std::size_t characters_max) {
  return !name.empty() && name.size() <= characters_max &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("_+=,.@-").find(c) != std::string_view::npos;
         });
}

aws::AwsError InvalidName(std::string_view parameter) {
  return {400,
          "ValidationError",
          fmt::format("The specified value for {} is invalid. It must contain only alphanumeric "
                      "characters and/or the following: +=,.@_-",
                      parameter)};
}

// The range of MaxSessionDuration; nothing when it is not given.
std::variant<std::optional<int>, aws::AwsError> ReadDuration(const aws::QueryParams& params) {
  const auto text = params.Find("MaxSessionDuration");
  if (!text) return std::optional<int>();
  int seconds = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  if (error != std::errc() || end != text->data() + text->size() || seconds < 3'600 ||
      seconds > 43'200) {
    return aws::AwsError{
        400, "ValidationError", "MaxSessionDuration must be between 3600 and 43200"};
  }
  return std::optional<int>(seconds);
}

void AppendRole(aws::XmlWriter& xml, const Role& role) {
  xml.Text("Path", role.path)
      .Text("RoleName", role.name)
      .Text("RoleId", role.id)
      .Text("Arn", role.arn)
      .Text("CreateDate", IamTime(role.created_at))
      .Text("AssumeRolePolicyDocument", PercentEncode(role.trust));
  if (!role.description.empty()) xml.Text("Description", role.description);
  xml.Text("MaxSessionDuration", std::to_string(role.session_seconds_max));
}

}  // namespace

IamApi::RoleOrError IamApi::FindRole(const Call& call) const {
  const std::string_view name = call.params.Get("RoleName");
  if (!IsEntityName(name, 64)) return {nullptr, InvalidName("roleName")};
  std::shared_ptr<const Role> role = iam_.FindRole(name);
  if (!role) {
    return {nullptr, NoSuchEntity(fmt::format("The role with name {} cannot be found.", name))};
  }
  return {std::move(role), std::nullopt};
}

IamApi::Reply IamApi::StoreRole(Role role) {
  if (const Status stored = iam_.PutRole(std::move(role)); !stored) {
    return IamStorageError(stored.error());
  }
  return Nothing();
}

IamApi::Reply IamApi::CreateRole(const Call& call) {
  Role role;
  role.name = call.params.Get("RoleName");
  if (!IsEntityName(role.name, 64)) return InvalidName("roleName");
  role.path = call.params.Find("Path").value_or("/");
  if (!role.path.starts_with('/') || !role.path.ends_with('/') || role.path.size() > 512) {
    return aws::AwsError{400,
                         "ValidationError",
                         "The specified value for path is invalid. It must begin and end with / "
                         "and contain only alphanumeric characters and/or / characters."};
  }
  const auto trust = ReadPolicyDocument(
      call.params, "AssumeRolePolicyDocument", kTrustBytesMax, &aws::CheckTrustPolicy);
  if (const auto* error = std::get_if<aws::AwsError>(&trust)) return *error;
  role.trust = std::get<std::string>(trust);
  const auto duration = ReadDuration(call.params);
  if (const auto* error = std::get_if<aws::AwsError>(&duration)) return *error;
  role.session_seconds_max = std::get<std::optional<int>>(duration).value_or(3'600);
  const auto tags = ReadTags(call.params);
  if (const auto* error = std::get_if<aws::AwsError>(&tags)) return *error;
  role.tags = std::get<Tags>(tags);
  role.description = call.params.Get("Description").substr(0, 1'000);
  role.id = MakeUniqueId("AROA", random_);
  role.arn =
      fmt::format("arn:aws:iam::{}:role{}{}", iam_.account().account_id, role.path, role.name);
  role.created_at = clock_.Now();

  MutexLock changing(iam_.change_mutex());
  if (iam_.FindRole(role.name)) {
    return aws::AwsError{
        409, "EntityAlreadyExists", fmt::format("Role with name {} already exists.", role.name)};
  }
  aws::XmlWriter xml;
  xml.Open("Role");
  AppendRole(xml, role);
  if (!role.tags.empty()) AppendTags(xml, role.tags);
  Reply stored = StoreRole(std::move(role));
  if (std::holds_alternative<aws::AwsError>(stored)) return stored;
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::GetRole(const Call& call) {
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  aws::XmlWriter xml;
  xml.Open("Role");
  AppendRole(xml, *found.role);
  if (!found.role->tags.empty()) AppendTags(xml, found.role->tags);
  xml.Open("RoleLastUsed").Close();
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::ListRoles(const Call& call) {
  auto roles = iam_.ListRoles();
  const std::string prefix(call.params.Get("PathPrefix"));
  std::erase_if(roles, [&prefix](const auto& role) { return !role->path.starts_with(prefix); });
  const IamPage page = PageOf(call.params, roles.size());
  if (page.error) return *page.error;
  aws::XmlWriter xml;
  xml.Open("Roles");
  for (std::size_t i = page.from; i < page.to; ++i) {
    xml.Open("member");
    AppendRole(xml, *roles[i]);
    xml.Close();
  }
  xml.Close();
  AppendPageEnd(xml, page, roles.size());
  return std::move(xml).Finish();
}

// Also UpdateRoleDescription, which answers with the role.
IamApi::Reply IamApi::UpdateRole(const Call& call) {
  const auto duration = ReadDuration(call.params);
  if (const auto* error = std::get_if<aws::AwsError>(&duration)) return *error;
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  Role changed = *found.role;
  if (const auto text = call.params.Find("Description")) {
    changed.description = text->substr(0, 1'000);
  }
  changed.session_seconds_max =
      std::get<std::optional<int>>(duration).value_or(changed.session_seconds_max);
  aws::XmlWriter xml;
  if (call.params.action() == "UpdateRoleDescription") {
    xml.Open("Role");
    AppendRole(xml, changed);
  }
  Reply stored = StoreRole(std::move(changed));
  if (std::holds_alternative<aws::AwsError>(stored)) return stored;
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::UpdateAssumeRolePolicy(const Call& call) {
  const auto trust =
      ReadPolicyDocument(call.params, "PolicyDocument", kTrustBytesMax, &aws::CheckTrustPolicy);
  if (const auto* error = std::get_if<aws::AwsError>(&trust)) return *error;
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  Role changed = *found.role;
  changed.trust = std::get<std::string>(trust);
  return StoreRole(std::move(changed));
}

IamApi::Reply IamApi::DeleteRole(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  if (!found.role->attached.empty()) {
    return aws::AwsError{
        409, "DeleteConflict", "Cannot delete entity, must detach all policies first."};
  }
  if (!found.role->inline_policies.empty()) {
    return aws::AwsError{
        409, "DeleteConflict", "Cannot delete entity, must delete policies first."};
  }
  if (const Status removed = iam_.RemoveRole(found.role->name); !removed) {
    return IamStorageError(removed.error());
  }
  return Nothing();
}

IamApi::Reply IamApi::PutRolePolicy(const Call& call) {
  const std::string name(call.params.Get("PolicyName"));
  if (!IsEntityName(name, 128)) return InvalidName("policyName");
  const auto document =
      ReadPolicyDocument(call.params, "PolicyDocument", kInlineBytesMax, &aws::CheckIdentityPolicy);
  if (const auto* error = std::get_if<aws::AwsError>(&document)) return *error;
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  Role changed = *found.role;
  changed.inline_policies.insert_or_assign(name, std::get<std::string>(document));
  std::size_t bytes = 0;
  for (const auto& [each, text] : changed.inline_policies) bytes += text.size();
  if (bytes > kInlineBytesMax) {
    return aws::AwsError{
        409,
        "LimitExceeded",
        fmt::format(
            "Maximum policy size of {} bytes exceeded for role {}", kInlineBytesMax, changed.name)};
  }
  return StoreRole(std::move(changed));
}

IamApi::Reply IamApi::GetRolePolicy(const Call& call) {
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  const std::string name(call.params.Get("PolicyName"));
  const auto at = found.role->inline_policies.find(name);
  if (at == found.role->inline_policies.end()) {
    return NoSuchEntity(fmt::format("The role policy with name {} cannot be found.", name));
  }
  aws::XmlWriter xml;
  xml.Text("RoleName", found.role->name)
      .Text("PolicyName", name)
      .Text("PolicyDocument", PercentEncode(at->second));
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::DeleteRolePolicy(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  const std::string name(call.params.Get("PolicyName"));
  Role changed = *found.role;
  if (changed.inline_policies.erase(name) == 0) {
    return NoSuchEntity(fmt::format("The role policy with name {} cannot be found.", name));
  }
  return StoreRole(std::move(changed));
}

IamApi::Reply IamApi::ListRolePolicies(const Call& call) {
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  std::vector<std::string> names;
  for (const auto& [name, document] : found.role->inline_policies) names.push_back(name);
  const IamPage page = PageOf(call.params, names.size());
  if (page.error) return *page.error;
  aws::XmlWriter xml;
  xml.Open("PolicyNames");
  for (std::size_t i = page.from; i < page.to; ++i) xml.Text("member", names[i]);
  xml.Close();
  AppendPageEnd(xml, page, names.size());
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::AttachRolePolicy(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  const std::string arn(call.params.Get("PolicyArn"));
  if (!iam_.FindPolicy(arn)) {
    return NoSuchEntity(fmt::format("Policy {} does not exist or is not attachable.", arn));
  }
  Role changed = *found.role;
  auto& attached = changed.attached;
  if (std::find(attached.begin(), attached.end(), arn) != attached.end()) return Nothing();
  if (attached.size() >= kAttachedMax) {
    return aws::AwsError{409,
                         "LimitExceeded",
                         fmt::format("Cannot exceed quota for PoliciesPerRole: {}", kAttachedMax)};
  }
  attached.push_back(arn);
  return StoreRole(std::move(changed));
}

IamApi::Reply IamApi::DetachRolePolicy(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  const std::string arn(call.params.Get("PolicyArn"));
  Role changed = *found.role;
  if (std::erase(changed.attached, arn) == 0) {
    return NoSuchEntity(fmt::format("Policy {} was not found.", arn));
  }
  return StoreRole(std::move(changed));
}

IamApi::Reply IamApi::ListAttachedRolePolicies(const Call& call) {
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  const std::vector<std::string>& attached = found.role->attached;
  const IamPage page = PageOf(call.params, attached.size());
  if (page.error) return *page.error;
  aws::XmlWriter xml;
  xml.Open("AttachedPolicies");
  for (std::size_t i = page.from; i < page.to; ++i) {
    xml.Open("member")
        .Text("PolicyName", attached[i].substr(attached[i].rfind('/') + 1))
        .Text("PolicyArn", attached[i])
        .Close();
  }
  xml.Close();
  AppendPageEnd(xml, page, attached.size());
  return std::move(xml).Finish();
}

// There are none; Terraform asks before it deletes a role.
IamApi::Reply IamApi::ListInstanceProfilesForRole(const Call& call) {
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  aws::XmlWriter xml;
  xml.Open("InstanceProfiles").Close();
  xml.Text("IsTruncated", "false");
  return std::move(xml).Finish();
}

IamApi::Reply IamApi::TagRole(const Call& call) {
  const auto tags = ReadTags(call.params);
  if (const auto* error = std::get_if<aws::AwsError>(&tags)) return *error;
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  Role changed = *found.role;
  for (const auto& [key, value] : std::get<Tags>(tags)) changed.tags.insert_or_assign(key, value);
  return StoreRole(std::move(changed));
}

IamApi::Reply IamApi::UntagRole(const Call& call) {
  MutexLock changing(iam_.change_mutex());
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  Role changed = *found.role;
  for (const std::string& key : call.params.List("TagKeys")) changed.tags.erase(key);
  return StoreRole(std::move(changed));
}

IamApi::Reply IamApi::ListRoleTags(const Call& call) {
  const RoleOrError found = FindRole(call);
  if (found.error) return *found.error;
  aws::XmlWriter xml;
  AppendTags(xml, found.role->tags);
  xml.Text("IsTruncated", "false");
  return std::move(xml).Finish();
}

}  // namespace postglass::access
