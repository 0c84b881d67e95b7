#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/identity_policy.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"

namespace postglass::access {

using Tags = std::map<std::string, std::string, std::less<>>;

// Immutable once in the store; changed by replacing it.
struct Role {
  std::string name;
  std::string id;    // "AROA…"
  std::string path;  // begins and ends with '/'
  std::string arn;
  std::string description;
  Timestamp created_at;
  int session_seconds_max = 3'600;
  std::string trust;                                   // the trust policy, as given
  std::map<std::string, std::string> inline_policies;  // by name, as given
  std::vector<std::string> attached;                   // ARNs of managed policies
  Tags tags;
};

// A customer's managed policy. Immutable once in the store.
struct ManagedPolicy {
  struct Version {
    std::string id;  // "v1"
    std::string document;
    Timestamp created_at;
  };

  std::string name;
  std::string id;  // "ANPA…"
  std::string path;
  std::string arn;
  std::string description;
  Timestamp created_at;
  Timestamp updated_at;
  std::vector<Version> versions;  // oldest first, at least one
  std::string default_version;
  Tags tags;

  const Version* FindVersion(std::string_view version_id) const;

  const std::string& document() const { return FindVersion(default_version)->document; }
};

// Roles and managed policies, in memory, written through to the settings (kinds "iam_role" and
// "iam_policy"). The policies that Amazon manages are there too, those in use with mail.
// Thread-safe; whoever reads to change and writes back holds change_mutex() meanwhile.
class IamStore {
 public:
  static constexpr std::size_t kRolesMax = 1'000;
  static constexpr std::size_t kPoliciesMax = 1'500;

  // `settings` must outlive it. Documents that do not parse are left out and logged.
  static Result<std::unique_ptr<IamStore>> Load(Settings& settings, aws::Account account);

  std::shared_ptr<const Role> FindRole(std::string_view name) const;
  std::shared_ptr<const Role> FindRoleByArn(std::string_view arn) const;
  std::vector<std::shared_ptr<const Role>> ListRoles() const;  // by name
  // Also those Amazon manages.
  std::shared_ptr<const ManagedPolicy> FindPolicy(std::string_view arn) const;
  enum class Scope { kAll, kLocal, kAws };
  std::vector<std::shared_ptr<const ManagedPolicy>> ListPolicies(Scope scope) const;  // by ARN

  // Errors: those of Settings::Apply; kLimit.
  Status PutRole(Role role);
  Status RemoveRole(std::string_view name);
  Status PutPolicy(ManagedPolicy policy);
  Status RemovePolicy(std::string_view arn);

  // What the role's holder may call: of all its policies, inline and attached.
  aws::PolicySet PoliciesOf(const Role& role) const;

  const aws::Account& account() const { return account_; }

  Mutex& change_mutex() { return change_mutex_; }

 private:
  IamStore(Settings& settings, aws::Account account);

  Settings& settings_;
  const aws::Account account_;
  Mutex change_mutex_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Role>, std::less<>> roles_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<const ManagedPolicy>, std::less<>> policies_
      GUARDED_BY(mutex_);
};

}  // namespace postglass::access
