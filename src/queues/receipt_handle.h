#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "queues/types.h"

namespace postglass::queues {

// Names one receiving of a message: what DeleteMessage and ChangeMessageVisibility are given. Holds
// all that is needed, authenticated, so that it stays valid over restarts and nobody makes one up.
// Thread-safe.
class ReceiptHandles {
 public:
  explicit ReceiptHandles(std::string key) : key_(std::move(key)) {}

  struct Receipt {
    MessageNumber number = 0;
    std::uint32_t receives = 0;  // the message's count when it was received
  };

  std::string Make(std::string_view queue_uid, const Receipt& receipt) const;
  // Nothing when it was not made for this queue.
  std::optional<Receipt> Read(std::string_view queue_uid, std::string_view handle) const;

 private:
  std::string Mac(std::string_view queue_uid, std::string_view plain) const;

  const std::string key_;
};

}  // namespace postglass::queues
