#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "mail/tracking/machine_signs.h"
#include "mail/tracking/tracking_urls.h"
#include "mail/types.h"
#include "net/http.h"

namespace postglass::mail {

// Answers /t/…: the pixel, and the redirect of a tracked link; everything else is a plain 404. Each
// GET is an Open or Click event (the server hands on a HEAD as one); those that a machine seems to
// have caused have its signs (MachineSigns) in the tag postglass-machine. The answer never depends
// on whether the event could be kept. Events of mails older than 60 days are not made (SES).
// Thread-safe; waits for the spool's disk.
class TrackingHandler {
 public:
  // All must outlive it. `mails` finds what the event is about.
  TrackingHandler(
      TrackingUrls urls, Spool& spool, MailLookup& mails, const Clock& clock, Metrics& metrics);

  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  void Record(const std::string& message_id,
              EventDetail detail,
              const std::vector<std::string_view>& machine_signs);

  const TrackingUrls urls_;
  Spool& spool_;
  MailLookup& mails_;
  const Clock& clock_;
  MachineSigns machine_signs_;
  Counter& opens_;
  Counter& clicks_;
  Counter& refused_;
  Counter& lost_;
  Counter& unknown_;
  Counter& machines_;
};

}  // namespace postglass::mail
