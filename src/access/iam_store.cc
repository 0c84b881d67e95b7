#include "access/iam_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "access/unique_id.h"
#include "base/json.h"
#include "base/log.h"

namespace postglass::access {
namespace {

constexpr std::string_view kRoleKind = "iam_role";
constexpr std::string_view kPolicyKind = "iam_policy";
constexpr std::string_view kAwsPrefix = "arn:aws:iam::aws:policy/";

// Policies that Amazon manages, as far as set-ups of mail and its events attach them, with the
// actions of theirs that mean something here.
struct AwsPolicy {
  std::string_view path_and_name;
  std::string_view actions;  // the member of one Allow statement, as JSON
};

constexpr std::array<AwsPolicy, 17> kAwsPolicies = {{
    {"AdministratorAccess", R"("Action":"*")"},
    {"PowerUserAccess", R"("NotAction":["iam:*","organizations:*","account:*"])"},
    {"ReadOnlyAccess",
     R"("Action":["ses:Get*","ses:List*","ses:Describe*","sns:Get*","sns:List*","sqs:Get*","sqs:List*",)"
     R"("lambda:Get*","lambda:List*","cloudwatch:Get*","cloudwatch:List*","firehose:Describe*",)"
     R"("firehose:List*","iam:Get*","iam:List*","sts:GetCallerIdentity"])"},
    {"AmazonSESFullAccess", R"("Action":"ses:*")"},
    {"AmazonSESReadOnlyAccess", R"("Action":["ses:Get*","ses:List*"])"},
    {"AmazonSNSFullAccess", R"("Action":"sns:*")"},
    {"AmazonSNSReadOnlyAccess", R"("Action":["sns:GetTopicAttributes","sns:List*"])"},
    {"AmazonSQSFullAccess", R"("Action":"sqs:*")"},
    {"AmazonSQSReadOnlyAccess",
     R"("Action":["sqs:GetQueueAttributes","sqs:GetQueueUrl","sqs:List*"])"},
    {"AWSLambda_FullAccess", R"("Action":"lambda:*")"},
    {"CloudWatchFullAccess", R"("Action":"cloudwatch:*")"},
    {"CloudWatchReadOnlyAccess", R"("Action":["cloudwatch:Get*","cloudwatch:List*"])"},
    {"AmazonKinesisFirehoseFullAccess", R"("Action":"firehose:*")"},
    {"IAMReadOnlyAccess", R"("Action":["iam:Get*","iam:List*"])"},
    {"service-role/AWSLambdaBasicExecutionRole",
     R"("Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"])"},
    {"service-role/AWSLambdaSQSQueueExecutionRole",
     R"("Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes",)"
     R"("logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"])"},
    {"service-role/AmazonSNSRole",
     R"("Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"])"},
}};

std::shared_ptr<const ManagedPolicy> MakeAwsPolicy(const AwsPolicy& known) {
  const std::size_t slash = known.path_and_name.rfind('/');
  ManagedPolicy policy;
  policy.name = known.path_and_name.substr(slash == std::string_view::npos ? 0 : slash + 1);
  policy.path = slash == std::string_view::npos
                    ? "/"
                    : fmt::format("/{}/", known.path_and_name.substr(0, slash));
  policy.arn = fmt::format("{}{}", kAwsPrefix, known.path_and_name);
  policy.id = UniqueIdOf("ANPA", policy.arn);
  policy.created_at = policy.updated_at = Timestamp::FromMillis(1'423'000'000'000);
  policy.default_version = "v1";
  policy.versions.push_back(
      {"v1",
       fmt::format(
           R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{},"Resource":"*"}}]}})",
           known.actions),
       policy.created_at});
  return std::make_shared<const ManagedPolicy>(std::move(policy));
}

json::object ToJson(const Tags& tags) {
  json::object o;
  for (const auto& [key, value] : tags) o[key] = value;
  return o;
}

Tags TagsFrom(const json::object& document) {
  Tags tags;
  if (const json::object* o = json::GetObject(document, "tags")) {
    for (const auto& entry : *o) {
      if (const json::string* text = entry.value().if_string()) {
        tags.emplace(std::string(entry.key()), std::string(*text));
      }
    }
  }
  return tags;
}

std::string Encode(const Role& role) {
  json::object inline_policies;
  for (const auto& [name, document] : role.inline_policies) inline_policies[name] = document;
  json::array attached;
  for (const std::string& arn : role.attached) attached.emplace_back(arn);
  return json::Serialize(json::object{{"id", role.id},
                                      {"path", role.path},
                                      {"description", role.description},
                                      {"created_ms", role.created_at.millis()},
                                      {"session_seconds_max", role.session_seconds_max},
                                      {"trust", role.trust},
                                      {"inline_policies", std::move(inline_policies)},
                                      {"attached", std::move(attached)},
                                      {"tags", ToJson(role.tags)}});
}

Result<Role> DecodeRole(const Settings::Document& document, const std::string& account_id) {
  ASSIGN_OR_RETURN(const json::object o, json::ParseObject(document.json));
  Role role;
  role.name = document.key;
  role.id = json::GetStringOr(o, "id", "");
  role.path = json::GetStringOr(o, "path", "/");
  role.arn = fmt::format("arn:aws:iam::{}:role{}{}", account_id, role.path, role.name);
  role.description = json::GetStringOr(o, "description", "");
  role.created_at = Timestamp::FromMillis(json::GetInt(o, "created_ms").value_or(0));
  role.session_seconds_max =
      static_cast<int>(json::GetInt(o, "session_seconds_max").value_or(3'600));
  role.trust = json::GetStringOr(o, "trust", "");
  if (const json::object* policies = json::GetObject(o, "inline_policies")) {
    for (const auto& entry : *policies) {
      if (!entry.value().is_string()) return Fail(ErrorCode::kCorruption, "a policy is no text");
      role.inline_policies.emplace(std::string(entry.key()),
                                   std::string(entry.value().get_string()));
    }
  }
  if (const json::array* attached = json::GetArray(o, "attached")) {
    for (const json::value& arn : *attached) {
      if (arn.is_string()) role.attached.emplace_back(arn.get_string());
    }
  }
  role.tags = TagsFrom(o);
  return role;
}

std::string Encode(const ManagedPolicy& policy) {
  json::array versions;
  for (const ManagedPolicy::Version& version : policy.versions) {
    versions.push_back(json::object{{"id", version.id},
                                    {"document", version.document},
                                    {"created_ms", version.created_at.millis()}});
  }
  return json::Serialize(json::object{{"name", policy.name},
                                      {"id", policy.id},
                                      {"path", policy.path},
                                      {"description", policy.description},
                                      {"created_ms", policy.created_at.millis()},
                                      {"updated_ms", policy.updated_at.millis()},
                                      {"versions", std::move(versions)},
                                      {"default_version", policy.default_version},
                                      {"tags", ToJson(policy.tags)}});
}

Result<ManagedPolicy> DecodePolicy(const Settings::Document& document) {
  ASSIGN_OR_RETURN(const json::object o, json::ParseObject(document.json));
  ManagedPolicy policy;
  policy.arn = document.key;
  policy.name = json::GetStringOr(o, "name", "");
  policy.id = json::GetStringOr(o, "id", "");
  policy.path = json::GetStringOr(o, "path", "/");
  policy.description = json::GetStringOr(o, "description", "");
  policy.created_at = Timestamp::FromMillis(json::GetInt(o, "created_ms").value_or(0));
  policy.updated_at = Timestamp::FromMillis(json::GetInt(o, "updated_ms").value_or(0));
  policy.default_version = json::GetStringOr(o, "default_version", "");
  if (const json::array* versions = json::GetArray(o, "versions")) {
    for (const json::value& item : *versions) {
      const json::object* version = item.if_object();
      if (version == nullptr) continue;
      policy.versions.push_back(
          {json::GetStringOr(*version, "id", ""),
           json::GetStringOr(*version, "document", ""),
           Timestamp::FromMillis(json::GetInt(*version, "created_ms").value_or(0))});
    }
  }
  policy.tags = TagsFrom(o);
  if (policy.FindVersion(policy.default_version) == nullptr) {
    return Fail(ErrorCode::kCorruption, "it has no default version");
  }
  return policy;
}

void Append(aws::PolicySet& set, const std::string& document) {
  const Result<json::object> policy = json::ParseObject(document);
  if (policy) set.push_back(std::make_shared<const json::object>(aws::ActionPolicy(*policy)));
}

}  // namespace

const ManagedPolicy::Version* ManagedPolicy::FindVersion(std::string_view version_id) const {
  for (const Version& version : versions) {
    if (version.id == version_id) return &version;
  }
  return nullptr;
}

IamStore::IamStore(Settings& settings, aws::Account account)
    : settings_(settings), account_(std::move(account)) {
  MutexLock lock(mutex_);
  for (const AwsPolicy& known : kAwsPolicies) {
    auto policy = MakeAwsPolicy(known);
    policies_.emplace(policy->arn, policy);
  }
}

Result<std::unique_ptr<IamStore>> IamStore::Load(Settings& settings, aws::Account account) {
  std::unique_ptr<IamStore> store(new IamStore(settings, std::move(account)));
  ASSIGN_OR_RETURN(const auto roles, settings.List(kRoleKind));
  ASSIGN_OR_RETURN(const auto policies, settings.List(kPolicyKind));
  MutexLock lock(store->mutex_);
  for (const Settings::Document& document : roles) {
    Result<Role> role = DecodeRole(document, store->account_.account_id);
    if (!role) {
      log::Error("access", "role {} left out: {}", document.key, role.error().message);
      continue;
    }
    store->roles_.emplace(document.key, std::make_shared<const Role>(std::move(*role)));
  }
  for (const Settings::Document& document : policies) {
    Result<ManagedPolicy> policy = DecodePolicy(document);
    if (!policy) {
      log::Error("access", "policy {} left out: {}", document.key, policy.error().message);
      continue;
    }
    store->policies_.emplace(document.key,
                             std::make_shared<const ManagedPolicy>(std::move(*policy)));
  }
  return store;
}

std::shared_ptr<const Role> IamStore::FindRole(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto at = roles_.find(name);
  return at == roles_.end() ? nullptr : at->second;
}

std::shared_ptr<const Role> IamStore::FindRoleByArn(std::string_view arn) const {
  const std::size_t slash = arn.rfind('/');
  if (slash == std::string_view::npos) return nullptr;
  std::shared_ptr<const Role> role = FindRole(arn.substr(slash + 1));
  return role && role->arn == arn ? role : nullptr;
}

std::vector<std::shared_ptr<const Role>> IamStore::ListRoles() const {
  std::vector<std::shared_ptr<const Role>> roles;
  MutexLock lock(mutex_);
  for (const auto& [name, role] : roles_) roles.push_back(role);
  return roles;
}

std::shared_ptr<const ManagedPolicy> IamStore::FindPolicy(std::string_view arn) const {
  MutexLock lock(mutex_);
  const auto at = policies_.find(arn);
  return at == policies_.end() ? nullptr : at->second;
}

std::vector<std::shared_ptr<const ManagedPolicy>> IamStore::ListPolicies(Scope scope) const {
  std::vector<std::shared_ptr<const ManagedPolicy>> policies;
  MutexLock lock(mutex_);
  for (const auto& [arn, policy] : policies_) {
    const bool aws = arn.starts_with(kAwsPrefix);
    if (scope == Scope::kAll || aws == (scope == Scope::kAws)) policies.push_back(policy);
  }
  return policies;
}

Status IamStore::PutRole(Role role) {
  {
    MutexLock lock(mutex_);
    if (roles_.size() >= kRolesMax && !roles_.contains(role.name)) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("Cannot exceed quota for RolesPerAccount: {}", kRolesMax));
    }
  }
  RETURN_IF_ERROR(settings_.Put(kRoleKind, role.name, Encode(role)));
  MutexLock lock(mutex_);
  const std::string name = role.name;
  roles_.insert_or_assign(name, std::make_shared<const Role>(std::move(role)));
  return {};
}

Status IamStore::RemoveRole(std::string_view name) {
  RETURN_IF_ERROR(settings_.Remove(kRoleKind, name));
  MutexLock lock(mutex_);
  if (const auto at = roles_.find(name); at != roles_.end()) roles_.erase(at);
  return {};
}

Status IamStore::PutPolicy(ManagedPolicy policy) {
  {
    MutexLock lock(mutex_);
    if (policies_.size() >= kPoliciesMax && !policies_.contains(policy.arn)) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("Cannot exceed quota for PoliciesPerAccount: {}", kPoliciesMax));
    }
  }
  RETURN_IF_ERROR(settings_.Put(kPolicyKind, policy.arn, Encode(policy)));
  MutexLock lock(mutex_);
  const std::string arn = policy.arn;
  policies_.insert_or_assign(arn, std::make_shared<const ManagedPolicy>(std::move(policy)));
  return {};
}

Status IamStore::RemovePolicy(std::string_view arn) {
  RETURN_IF_ERROR(settings_.Remove(kPolicyKind, arn));
  MutexLock lock(mutex_);
  if (const auto at = policies_.find(arn); at != policies_.end()) policies_.erase(at);
  return {};
}

aws::PolicySet IamStore::PoliciesOf(const Role& role) const {
  aws::PolicySet set;
  for (const auto& [name, document] : role.inline_policies) Append(set, document);
  for (const std::string& arn : role.attached) {
    if (const auto policy = FindPolicy(arn)) Append(set, policy->document());
  }
  return set;
}

}  // namespace postglass::access
