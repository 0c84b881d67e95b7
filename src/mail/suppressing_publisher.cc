#include "mail/suppressing_publisher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"

namespace postglass::mail {
namespace {

// What an event would put on the list.
struct Wanted {
  std::string_view reason;
  std::string feedback_id;
  std::vector<std::string> addresses;
};

Wanted WantedBy(const EventDetail& detail) {
  Wanted wanted;
  if (const auto* bounce = std::get_if<BounceDetail>(&detail)) {
    // Those that are there already say so in their own subtype.
    if (bounce->type != "Permanent" || bounce->sub_type.find("Suppress") != std::string::npos) {
      return wanted;
    }
    wanted.reason = kReasonBounce;
    wanted.feedback_id = bounce->feedback_id;
    for (const BouncedRecipient& r : bounce->recipients) wanted.addresses.push_back(r.address);
  } else if (const auto* complaint = std::get_if<ComplaintDetail>(&detail)) {
    if (!complaint->sub_type.empty() || complaint->feedback_type == "not-spam") return wanted;
    wanted.reason = kReasonComplaint;
    wanted.feedback_id = complaint->feedback_id;
    wanted.addresses = complaint->recipients;
  }
  return wanted;
}

}  // namespace

SuppressingPublisher::SuppressingPublisher(EventPublisher& next,
                                           SuppressionList& list,
                                           const ConfigurationSets& sets,
                                           IsSimulated is_simulated,
                                           Metrics& metrics)
    : next_(next),
      list_(list),
      sets_(sets),
      is_simulated_(std::move(is_simulated)),
      added_(metrics.GetCounter("postglass_mail_suppressions_added_total",
                                "Addresses put on the suppression list by bounce or complaint.")) {}

void SuppressingPublisher::PublishAsync(const MailEvent& event,
                                        std::string key,
                                        std::function<void(Status)> done) {
  if (Status noted = Note(event); !noted) return done(std::move(noted));
  next_.PublishAsync(event, std::move(key), std::move(done));
}

Status SuppressingPublisher::Note(const MailEvent& event) {
  Wanted wanted = WantedBy(event.detail);
  if (wanted.addresses.empty()) return {};
  const std::string& set_name = event.subject.configuration_set;
  const auto set = set_name.empty() ? nullptr : sets_.Find(set_name);
  const SuppressionList::Reasons reasons =
      set && set->suppressed_reasons ? *set->suppressed_reasons : list_.account_reasons();
  if (std::find(reasons.begin(), reasons.end(), wanted.reason) == reasons.end()) return {};
  for (std::string& address : wanted.addresses) {
    if (is_simulated_(address) || list_.Find(address)) continue;
    const SesOutcome refused = list_.Put({std::move(address),
                                          std::string(wanted.reason),
                                          {},
                                          event.subject.message_id,
                                          wanted.feedback_id});
    if (!refused) {
      added_.Add();
    } else if (refused->kind == SesError::Kind::kUnavailable) {
      return Fail(ErrorCode::kUnavailable, refused->message);
    } else {
      log::Warn("mail", "an address is not put on the suppression list: {}", refused->message);
    }
  }
  return {};
}

}  // namespace postglass::mail
