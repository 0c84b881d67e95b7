#include "mail/delivery/capture.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "mail/delivery/recipient_groups.h"

namespace postglass::mail {
namespace {

constexpr std::chrono::seconds kTryAgain{5};
constexpr std::string_view kHost = "capture.postglass.invalid";  // RFC 2606: no host of the world

Progress Captured(const CarryJob& job, const std::vector<std::string>& recipients) {
  Progress progress;
  for (auto& [domain, group] : ByDomain(recipients)) {
    DeliveryDetail d;
    d.at = job.now;
    d.processing_ms = (job.now - job.mail->accepted_at) / std::chrono::milliseconds(1);
    d.recipients = group;
    d.smtp_response = kCapturedResponse;
    d.reporting_mta = kHost;
    progress.events.push_back(
        {std::move(d), {{std::string(kPostglassTag), std::string(kCapturedTagValue)}}});
  }
  for (const CarryJob::Due& due : job.due) {
    progress.changes.push_back({due.recipient, {due.state.step + 1, true, job.now}});
  }
  return progress;
}

}  // namespace

CaptureCarrier::CaptureCarrier(CapturedMails& mails, Metrics& metrics)
    : mails_(mails),
      captured_(AttemptCounter(metrics, "capture", "delivered")),
      failed_(AttemptCounter(metrics, "capture", "failed")) {}

Timestamp CaptureCarrier::FirstDue(const Mail& mail, std::size_t) const { return mail.accepted_at; }

void CaptureCarrier::Carry(CarryJob job, std::function<void(Progress)> done) {
  std::vector<std::string> recipients;
  for (const CarryJob::Due& due : job.due) {
    recipients.push_back(job.mail->recipients[due.recipient]);
  }
  const Mail& mail = *job.mail;
  mails_.Add(mail,
             recipients,
             [this, job = std::move(job), recipients, done = std::move(done)](Status status) {
               if (!status) {
                 failed_.Add(static_cast<double>(recipients.size()));
                 log::Warn("mail", "cannot capture a mail: {}", status.error().message);
                 Progress again;
                 again.try_again_at = job.now + kTryAgain;
                 return done(std::move(again));
               }
               captured_.Add(static_cast<double>(recipients.size()));
               done(Captured(job, recipients));
             });
}

}  // namespace postglass::mail
