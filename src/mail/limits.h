#pragma once

#include <cstddef>
#include <cstdint>

// Every bound of the mail service in one place. "SES" marks those of the compatible API (quotas of
// the Amazon SES Developer Guide); the others keep hostile input from costing more than it should.

namespace postglass::mail {

inline constexpr std::size_t kRecipientsMax = 50;      // SES: To, Cc and Bcc of one message
inline constexpr std::size_t kMessageTagsMax = 50;     // tags of one message
inline constexpr std::size_t kTagCharactersMax = 255;  // SES: name and value each
inline constexpr std::size_t kHeadersShownBytesMax = 10 << 10;  // SES: then headersTruncated
inline constexpr std::size_t kConfigurationSetsMax = 10'000;    // SES
inline constexpr std::size_t kConfigurationSetNameMax = 64;     // SES
inline constexpr std::size_t kEventDestinationsMax = 10;        // SES: in one set
inline constexpr std::size_t kMetricDimensionsMax = 10;      // SES: of one CloudWatch destination
inline constexpr std::size_t kIdentitiesMax = 10'000;        // SES
inline constexpr std::size_t kTemplatesMax = 10'000;         // SES
inline constexpr std::size_t kTemplateBytesMax = 500 << 10;  // SES: one template
// All templates together: they are kept in memory.
inline constexpr std::size_t kTemplateBytesTotalMax = 256u << 20;
// Some 300 bytes of memory each.
inline constexpr std::size_t kSuppressedDestinationsMax = 1'000'000;
inline constexpr std::size_t kBulkEntriesMax = 50;            // SES: destinations of one bulk send
inline constexpr std::size_t kIdentityPoliciesMax = 20;       // SES: of one identity
inline constexpr std::size_t kIdentityPolicyBytesMax = 4096;  // SES
inline constexpr std::size_t kResourceTagsMax = 50;           // SES: on one resource
inline constexpr std::size_t kCustomHeadersMax = 15;          // SES v2: headers of Simple content
inline constexpr std::size_t kCustomHeaderBytesMax = 996;     // SES v2: name and value together
inline constexpr std::size_t kAttachmentsMax = 100;
inline constexpr std::uint64_t kApiV1MessageBytesMax = 10ull << 20;  // SES
inline constexpr std::uint64_t kApiV2MessageBytesMax = 40ull << 20;  // SES

inline constexpr std::size_t kHeaderFieldsMax = 1'000;
inline constexpr std::size_t kHeaderBytesMax = 256 << 10;
inline constexpr std::size_t kAddressesMax = 1'000;   // in one address list, before SES's 50
inline constexpr std::size_t kAddressBytesMax = 320;  // SES
inline constexpr std::size_t kCommentDepthMax = 16;   // nested comments in an address

}  // namespace postglass::mail
