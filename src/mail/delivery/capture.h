#pragma once

#include <functional>
#include <string_view>

#include "mail/delivery/captured_mails.h"
#include "mail/delivery/carrier.h"

namespace postglass::mail {

// What a captured mail's Delivery says, and the extra tag by which everything downstream knows it.
inline constexpr std::string_view kCapturedResponse = "250 2.0.0 captured, not sent";
inline constexpr std::string_view kPostglassTag = "postglass";
inline constexpr std::string_view kCapturedTagValue = "captured";

// Keeps mails instead of sending them: nothing leaves the machine.
class CaptureCarrier final : public Carrier {
 public:
  // All must outlive it.
  CaptureCarrier(CapturedMails& mails, Metrics& metrics);

  Timestamp FirstDue(const Mail& mail, std::size_t recipient) const override;
  void Carry(CarryJob job, std::function<void(Progress)> done) override;

 private:
  CapturedMails& mails_;
  Counter& captured_;
  Counter& failed_;
};

}  // namespace postglass::mail
