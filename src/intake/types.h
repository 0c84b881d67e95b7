#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postglass::intake {

// How far the origin of an event was checked; shown as @event.verified.
enum class Verified { kNone, kIpOnly, kSharedSecret, kSigV4, kSignature };

constexpr std::string_view VerifiedName(Verified verified) {
  switch (verified) {
    case Verified::kNone:
      return "none";
    case Verified::kIpOnly:
      return "ip_only";
    case Verified::kSharedSecret:
      return "shared_secret";
    case Verified::kSigV4:
      return "sigv4";
    case Verified::kSignature:
      return "signature";
  }
  return "none";
}

// The ways in; a label of metrics.
enum class Door { kApiV2, kApiV1, kSnsHook, kFirehoseHook, kProviderHook, kSqsSource, kInternal };

inline constexpr std::size_t kDoorsCount = 7;

constexpr std::string_view DoorName(Door door) {
  switch (door) {
    case Door::kApiV2:
      return "api_v2";
    case Door::kApiV1:
      return "api_v1";
    case Door::kSnsHook:
      return "sns_hook";
    case Door::kFirehoseHook:
      return "firehose_hook";
    case Door::kProviderHook:
      return "provider_hook";
    case Door::kSqsSource:
      return "sqs_source";
    case Door::kInternal:
      return "internal";
  }
  return "internal";
}

// Where a batch comes from.
struct Provenance {
  Verified verified = Verified::kNone;
  Door door = Door::kApiV2;
  // What the client says of itself (DD-EVP-ORIGIN, -VERSION, DD-STORAGE-TAG); kept with each event
  // as ingest.origin, ingest.origin_version, ingest.storage_tag when not empty.
  std::string origin;
  std::string origin_version;
  std::string storage_tag;
};

struct IngestResult {
  std::size_t stored = 0;
  std::size_t duplicates = 0;
};

}  // namespace postglass::intake
