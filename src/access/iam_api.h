#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "access/iam_store.h"
#include "access/key_ring.h"
#include "aws/query_protocol.h"
#include "aws/service.h"
#include "base/clock.h"
#include "base/random.h"

namespace postglass::access {

// IAM's API as far as Terraform, the command line and SDKs call it: roles, their policies, managed
// policies, and who one is. Which calls: docs/compat/iam.md. Thread-safe.
class IamApi final : public aws::Service {
 public:
  // The references must outlive it.
  IamApi(IamStore& iam, const KeyRing& keys, const Clock& clock, Random& random)
      : iam_(iam), keys_(keys), clock_(clock), random_(random) {}

  net::HttpResponse Handle(const aws::ServiceRequest& request) override;
  net::HttpResponse RenderError(const aws::ServiceRequest& request,
                                const aws::AwsError& error) override;
  std::string ActionOf(const net::HttpRequest& request) const override;

 private:
  struct Call {
    const aws::ServiceRequest& request;
    const aws::QueryParams& params;
  };

  // XML inside the result element, nothing at all (no such element), or an error.
  struct Nothing {};

  using Reply = std::variant<std::string, Nothing, aws::AwsError>;
  using Operation = Reply (IamApi::*)(const Call&);

  struct NamedOperation {
    std::string_view name;
    Operation run;
  };

  static const NamedOperation kOperations[];
  static const NamedOperation* FindOperation(std::string_view action);

  // iam_api_roles.cc
  Reply CreateRole(const Call& call);
  Reply GetRole(const Call& call);
  Reply ListRoles(const Call& call);
  Reply UpdateRole(const Call& call);
  Reply UpdateAssumeRolePolicy(const Call& call);
  Reply DeleteRole(const Call& call);
  Reply PutRolePolicy(const Call& call);
  Reply GetRolePolicy(const Call& call);
  Reply DeleteRolePolicy(const Call& call);
  Reply ListRolePolicies(const Call& call);
  Reply AttachRolePolicy(const Call& call);
  Reply DetachRolePolicy(const Call& call);
  Reply ListAttachedRolePolicies(const Call& call);
  Reply ListInstanceProfilesForRole(const Call& call);
  Reply TagRole(const Call& call);
  Reply UntagRole(const Call& call);
  Reply ListRoleTags(const Call& call);
  // iam_api_policies.cc
  Reply CreatePolicy(const Call& call);
  Reply GetPolicy(const Call& call);
  Reply ListPolicies(const Call& call);
  Reply DeletePolicy(const Call& call);
  Reply CreatePolicyVersion(const Call& call);
  Reply GetPolicyVersion(const Call& call);
  Reply ListPolicyVersions(const Call& call);
  Reply DeletePolicyVersion(const Call& call);
  Reply SetDefaultPolicyVersion(const Call& call);
  Reply ListEntitiesForPolicy(const Call& call);
  // iam_api.cc
  Reply GetUser(const Call& call);
  Reply ListAccessKeys(const Call& call);

  struct RoleOrError {
    std::shared_ptr<const Role> role;
    std::optional<aws::AwsError> error;
  };

  RoleOrError FindRole(const Call& call) const;

  struct PolicyOrError {
    std::shared_ptr<const ManagedPolicy> policy;
    std::optional<aws::AwsError> error;
  };

  PolicyOrError FindPolicy(const Call& call) const;
  PolicyOrError FindOwnPolicy(const Call& call) const;  // not one that Amazon manages
  std::size_t RolesWith(std::string_view policy_arn) const;
  void AppendPolicy(aws::XmlWriter& xml, const ManagedPolicy& policy) const;
  Reply StoreRole(Role role);
  Reply StorePolicy(ManagedPolicy policy);

  IamStore& iam_;
  const KeyRing& keys_;
  const Clock& clock_;
  Random& random_;
};

// For the parts of the API. The page of a list that Marker and MaxItems ask for; appends
// IsTruncated and Marker behind it. `append` writes one item.
inline constexpr std::size_t kIamItemsMax = 1'000;

struct IamPage {
  std::size_t from = 0;
  std::size_t to = 0;
  std::optional<aws::AwsError> error;
};

IamPage PageOf(const aws::QueryParams& params, std::size_t count);
void AppendPageEnd(aws::XmlWriter& xml, const IamPage& page, std::size_t count);

aws::AwsError NoSuchEntity(std::string message);
aws::AwsError IamStorageError(const Error& error);
// The document of `parameter` when it is one of at most `bytes_max`.
std::variant<std::string, aws::AwsError> ReadPolicyDocument(const aws::QueryParams& params,
                                                            std::string_view parameter,
                                                            std::size_t bytes_max,
                                                            Status (*check)(const json::object&));
std::variant<Tags, aws::AwsError> ReadTags(const aws::QueryParams& params);
void AppendTags(aws::XmlWriter& xml, const Tags& tags);
std::string IamTime(Timestamp t);  // to the second

}  // namespace postglass::access
