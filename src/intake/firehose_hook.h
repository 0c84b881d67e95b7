#pragma once

#include "access/keys.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "intake/intake.h"
#include "net/http.h"

namespace postglass::intake {

// POST /hooks/firehose: the HTTP endpoint of a delivery stream, Amazon's or our own. The stream's
// access key is an API key. Records are JSON objects or lines of text, one or many in each; events
// of SES are recognised. Thread-safe. Protocol: Firehose Developer Guide, "Understand HTTP endpoint
// delivery request and response specifications"; docs/compat/intake.md.
class FirehoseHook {
 public:
  static constexpr std::size_t kBodyBytesMax = 64u << 20;  // [Firehose] after inflating
  static constexpr std::size_t kRecordsMax = 10'000;       // [Firehose]

  // All must outlive the hook.
  FirehoseHook(const access::KeyVerifier& keys,
               Intake& intake,
               const Clock& clock,
               Metrics& metrics);

  // Blocks until the events are durable: 200. Others are tried again by Firehose, but for 413.
  net::HttpResponse Handle(const net::HttpRequest& request);

 private:
  net::HttpResponse Answer(int status,
                           const net::HttpRequest& request,
                           std::string_view error = {}) const;

  const access::KeyVerifier& keys_;
  Intake& intake_;
  const Clock& clock_;
  Counter& taken_;
  Counter& refused_;
};

}  // namespace postglass::intake
