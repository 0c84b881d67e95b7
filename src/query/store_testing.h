#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "store/log_store.h"
#include "store/types.h"

namespace postglass::query {

// Makes stored events for tests: plain logs, and SES's records about mails.
class EventMaker {
 public:
  // `clock` must outlive it; events are taken in at its time.
  explicit EventMaker(const Clock& clock) : clock_(clock) {}

  // Its date lies `offset` from now.
  store::Event Log(std::string message, std::chrono::milliseconds offset);
  void AppendLog(store::LogStore& store, std::string message, std::chrono::milliseconds offset);

  // An SES record: `detail` is the member of that type as JSON text, with @AT@ for its timestamp,
  // which lies `offset` after `requested_at`.
  struct Mail {
    std::string message_id = "0100";
    std::vector<std::string> destination = {"alice@example.com"};
    std::string subject = "Reset your password";
    Timestamp requested_at;
    std::string extra_tags;  // `,"postglass":["captured"]`
  };

  store::Event Ses(const Mail& mail,
                   std::string_view event_type,
                   std::string_view member,
                   std::string detail,
                   std::chrono::milliseconds offset);

  // The usual ones.
  store::Event Send(const Mail& mail);
  store::Event Delivery(const Mail& mail,
                        std::chrono::milliseconds offset,
                        std::string_view response = "250 2.0.0 OK",
                        std::string_view more = "");
  store::Event Bounce(const Mail& mail,
                      std::chrono::milliseconds offset,
                      std::string_view type,
                      std::string_view sub_type,
                      std::string_view status,
                      std::string_view diagnostic,
                      std::string_view address = "");
  store::Event Delay(const Mail& mail, std::chrono::milliseconds offset);
  store::Event Complaint(const Mail& mail, std::chrono::milliseconds offset);
  store::Event Open(const Mail& mail, std::chrono::milliseconds offset);
  store::Event Click(const Mail& mail, std::chrono::milliseconds offset);

  void Append(store::LogStore& store, std::vector<store::Event> events);

 private:
  store::EventId NextId();

  const Clock& clock_;
  std::uint64_t made_ = 0;
};

}  // namespace postglass::query
