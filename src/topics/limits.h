#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

// Every bound of the topics in one table. Those marked [SNS] are Amazon's own.

namespace postglass::topics {

inline constexpr std::size_t kMessageBytesMax = 262'144;     // [SNS] body and attributes together
inline constexpr std::size_t kSubjectCharactersMax = 100;    // [SNS]
inline constexpr std::size_t kTopicNameCharactersMax = 256;  // [SNS]
inline constexpr std::size_t kTagsMax = 50;                  // [SNS] of one topic
inline constexpr std::size_t kPageSize = 100;                // [SNS] of every list
inline constexpr std::size_t kPolicyBytesMax = 30'720;       // [SNS]
inline constexpr std::chrono::hours kTokenLifetime{48};      // [SNS] of confirmation tokens
inline constexpr std::size_t kTopicsMax = 10'000;
inline constexpr std::size_t kSubscriptionsMax = 10'000;  // of all topics: lanes are scanned

// Records of one call of a function: an intake batch of that size is committed with one sync.
inline constexpr std::size_t kBatchRecordsMax = 256;
inline constexpr std::size_t kBatchBytesMax = 4u << 20;
// Deliveries that wait for one subscription, some 250 bytes each. Above, publishing to a function
// waits, and an http endpoint loses the newest (counted): a dead endpoint must not stop the mail.
inline constexpr std::size_t kPendingPerFunctionMax = 1'000'000;
inline constexpr std::size_t kPendingPerEndpointMax = 100'000;
// SNS gives a function up after 23 days.
inline constexpr std::chrono::hours kFunctionRetention{23 * 24};
// Between two attempts of a subscription that fails as a whole while new messages wait.
inline constexpr std::chrono::seconds kProbeInterval{1};
inline constexpr std::chrono::seconds kHttpTimeout{15};  // [SNS]

inline constexpr std::size_t kDeadLettersMax = 10'000;  // the oldest is dropped, counted
inline constexpr std::size_t kDeadLetterBytesMax = 256u << 20;

}  // namespace postglass::topics
