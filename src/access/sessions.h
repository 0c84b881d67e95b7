#pragma once

#include "access/iam_store.h"
#include "aws/service.h"
#include "aws/sts_service.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/secret_box.h"

namespace postglass::access {

// Credentials for a time, of roles. The token holds all there is to know, sealed, so that sessions
// survive restarts; what they may call is what the role's policies say at that moment, and they end
// with the role. Thread-safe.
class Sessions final : public aws::SessionStore, public aws::RoleAssumer {
 public:
  // All references must outlive it.
  Sessions(const IamStore& iam, const SecretBox& box, const Clock& clock, Random& random)
      : iam_(iam), box_(box), clock_(clock), random_(random) {}

  Found Find(std::string_view access_key_id, std::string_view token) const override;
  std::variant<Session, aws::AwsError> Assume(const aws::ServiceRequest& caller,
                                              const Request& request) override;

 private:
  const IamStore& iam_;
  const SecretBox& box_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace postglass::access
