#pragma once

#include "mail/types.h"
#include "store/log_store.h"

namespace postglass {

// The subject of an open or click that comes long after sending: taken from the mail's stored Send
// event. No second index of mails is kept; where no event was stored, nobody asked for any.
class StoredMailLookup final : public mail::MailLookup {
 public:
  explicit StoredMailLookup(store::LogStore& store) : store_(store) {}

  std::optional<mail::EventSubject> Find(const std::string& message_id) override;

 private:
  store::LogStore& store_;
};

}  // namespace postglass
