#include "mail/delivery/suppression_carrier.h"

#include <utility>

#include "mail/message_id.h"
#include "mail/suppression_list.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kSubType = "OnAccountSuppressionList";
constexpr std::string_view kDiagnostic =
    "Amazon SES did not send the message to this address because it is on the suppression list for "
    "your account. For more information about removing addresses from the suppression list, see "
    "the Amazon SES Developer Guide at "
    "https://docs.aws.amazon.com/ses/latest/DeveloperGuide/sending-email-suppression-list.html";

const Mail::Suppression* Find(const Mail& mail, std::size_t recipient) {
  for (const Mail::Suppression& suppression : mail.suppressed) {
    if (suppression.recipient == recipient) return &suppression;
  }
  return nullptr;
}

}  // namespace

SuppressionCarrier::SuppressionCarrier(std::string region, Random& random, Metrics& metrics)
    : region_(std::move(region)),
      random_(random),
      bounced_(AttemptCounter(metrics, "suppression", "bounced")) {}

bool SuppressionCarrier::Wants(const Mail& mail, std::size_t recipient) {
  return Find(mail, recipient) != nullptr;
}

Timestamp SuppressionCarrier::FirstDue(const Mail& mail, std::size_t) const {
  return mail.accepted_at;
}

void SuppressionCarrier::Carry(CarryJob job, std::function<void(Progress)> done) {
  BounceDetail bounce;
  ComplaintDetail complaint;
  Progress progress;
  for (const CarryJob::Due& due : job.due) {
    const std::string& address = job.mail->recipients[due.recipient];
    const Mail::Suppression* found = Find(*job.mail, due.recipient);
    if (found != nullptr && found->reason == kReasonComplaint) {
      complaint.recipients.push_back(address);
    } else {
      bounce.recipients.push_back({address, "failed", "5.1.1", std::string(kDiagnostic)});
    }
    progress.changes.push_back({due.recipient, {due.state.step + 1, true, job.now}});
  }
  bounced_.Add(static_cast<double>(job.due.size()));
  if (!bounce.recipients.empty()) {
    bounce.type = "Permanent";
    bounce.sub_type = kSubType;
    bounce.at = job.now;
    bounce.feedback_id = MakeFeedbackId(region_, job.now, random_);
    bounce.reporting_mta = "dns; amazonses.com";
    progress.events.push_back({std::move(bounce), {}});
  }
  if (!complaint.recipients.empty()) {
    complaint.sub_type = kSubType;
    complaint.at = job.now;
    complaint.feedback_id = MakeFeedbackId(region_, job.now, random_);
    progress.events.push_back({std::move(complaint), {}});
  }
  done(std::move(progress));
}

}  // namespace postglass::mail
