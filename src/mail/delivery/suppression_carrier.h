#pragma once

#include <functional>
#include <string>

#include "base/metrics.h"
#include "base/random.h"
#include "mail/delivery/carrier.h"

namespace postglass::mail {

// Takes the recipients that acceptance found on the suppression list (Mail::suppressed) and hands
// the others on. Nothing is sent to them: SES publishes a Bounce with subtype
// OnAccountSuppressionList, or a Complaint with that subtype when a complaint put them there.
class SuppressionCarrier final : public Carrier {
 public:
  // All must outlive it.
  SuppressionCarrier(std::string region, Random& random, Metrics& metrics);

  // For CarrierRouter.
  static bool Wants(const Mail& mail, std::size_t recipient);

  Timestamp FirstDue(const Mail& mail, std::size_t recipient) const override;
  void Carry(CarryJob job, std::function<void(Progress)> done) override;

 private:
  const std::string region_;
  Random& random_;
  Counter& bounced_;
};

}  // namespace postglass::mail
