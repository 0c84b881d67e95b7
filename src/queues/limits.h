#pragma once

#include <chrono>
#include <cstddef>

// Every bound of the queues in one table. Those marked [SQS] are Amazon's own.

namespace postglass::queues {

inline constexpr std::size_t kQueueNameCharactersMax = 80;  // [SQS]
inline constexpr std::size_t kQueuesMax = 1'000;            // of the account
inline constexpr std::size_t kMessageBytesMax =
    1'048'576;                                            // [SQS] body and attributes, and a batch
inline constexpr std::size_t kMessageAttributesMax = 10;  // [SQS]
inline constexpr std::size_t kBatchEntriesMax = 10;       // [SQS]
inline constexpr std::size_t kReceiveCountMax = 10;       // [SQS] messages of one call
inline constexpr std::size_t kInFlightMax = 120'000;      // [SQS] of one queue
inline constexpr std::size_t kMessagesPerQueueMax = 1'000'000;  // some 300 bytes of memory each
inline constexpr std::size_t kTagsMax = 50;                     // [SQS]
inline constexpr std::size_t kPageSize = 1'000;                 // [SQS] of ListQueues
inline constexpr std::size_t kPolicyBytesMax = 30'720;
inline constexpr std::chrono::seconds kVisibilityMax{43'200};  // [SQS]
inline constexpr std::chrono::seconds kDelayMax{900};          // [SQS]
inline constexpr std::chrono::seconds kWaitMax{20};            // [SQS] of one receive
inline constexpr std::chrono::seconds kPurgePause{60};         // [SQS] between two purges
// Receives that wait for a message; more of them answer at once.
inline constexpr std::size_t kWaitersMax = 10'000;
inline constexpr std::size_t kMoveTasksKept = 10;  // [SQS] of one queue, the newest
inline constexpr std::size_t kMovedPerStep = 100;

}  // namespace postglass::queues
