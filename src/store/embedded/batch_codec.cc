#include "store/embedded/batch_codec.h"

#include <fmt/format.h>

#include <cstring>

#include "store/coding.h"
#include "store/embedded/limits.h"

namespace postglass::store {

namespace {

constexpr std::uint8_t kVersion = 1;

enum Kind : std::uint8_t { kBatch = 1, kProbe = 2 };

constexpr std::size_t kEventBytesMin = 16 + 8 + 8 + 1 + 7;  // fixed fields and empty strings

template <std::size_t N>
void PutArray(std::string& out, const std::array<std::uint8_t, N>& bytes) {
  out.append(reinterpret_cast<const char*>(bytes.data()), N);
}

template <std::size_t N>
void TakeArray(ByteReader& in, std::array<std::uint8_t, N>& bytes) {
  const std::string_view raw = in.Take(N);
  if (raw.size() == N) std::memcpy(bytes.data(), raw.data(), N);
}

void PutEvent(std::string& out, const NewEvent& entry) {
  const Event& event = entry.event;
  PutArray(out, event.id.bytes);
  PutFixed(out, event.timestamp_ms);
  PutFixed(out, event.ingested_at_ms);
  PutFixed(out, static_cast<std::uint8_t>(entry.dedup_key ? 1 : 0));
  if (entry.dedup_key) PutArray(out, entry.dedup_key->bytes);
  for (const std::string* text :
       {&event.message, &event.status, &event.service, &event.source, &event.host}) {
    PutBytes(out, *text);
  }
  PutVarint(out, event.tags.size());
  for (const std::string& tag : event.tags) PutBytes(out, tag);
  PutBytes(out, event.attributes);
}

NewEvent TakeEvent(ByteReader& in) {
  NewEvent entry;
  Event& event = entry.event;
  TakeArray(in, event.id.bytes);
  event.timestamp_ms = in.Fixed<std::int64_t>();
  event.ingested_at_ms = in.Fixed<std::int64_t>();
  if (in.Fixed<std::uint8_t>() != 0) TakeArray(in, entry.dedup_key.emplace().bytes);
  for (std::string* text :
       {&event.message, &event.status, &event.service, &event.source, &event.host}) {
    *text = in.Bytes();
  }
  const std::uint64_t tags = in.Varint();
  for (std::uint64_t i = 0; i < tags && in.ok(); ++i) event.tags.emplace_back(in.Bytes());
  event.attributes = in.Bytes();
  return entry;
}

}  // namespace

std::size_t ApproximateBytes(std::span<const NewEvent> events) {
  std::size_t bytes = 0;
  for (const NewEvent& entry : events) {
    const Event& event = entry.event;
    bytes += sizeof(Event) + event.message.size() + event.attributes.size() + event.service.size() +
             event.source.size() + event.host.size();
    for (const std::string& tag : event.tags) bytes += sizeof(std::string) + tag.size();
  }
  return bytes;
}

std::string EncodeBatch(std::span<const NewEvent> events, std::size_t bytes_hint) {
  std::string payload;
  payload.reserve(bytes_hint);
  PutFixed(payload, kVersion);
  PutFixed(payload, std::uint8_t{kBatch});
  PutFixed(payload, static_cast<std::uint32_t>(events.size()));
  // Not compressed here: the journal does it for all batches that it writes together.
  for (const NewEvent& entry : events) PutEvent(payload, entry);
  return payload;
}

std::string EncodeProbe() {
  std::string payload;
  PutFixed(payload, kVersion);
  PutFixed(payload, std::uint8_t{kProbe});
  return payload;
}

Result<std::vector<NewEvent>> DecodeBatch(std::string_view payload) {
  ByteReader in(payload);
  const auto version = in.Fixed<std::uint8_t>();
  const auto kind = in.Fixed<std::uint8_t>();
  if (!in.ok()) return Fail(ErrorCode::kCorruption, "journal record without a kind");
  if (version != kVersion) {
    return Fail(ErrorCode::kUnsupported, fmt::format("journal record of version {}", version));
  }
  if (kind == kProbe) return std::vector<NewEvent>();
  if (kind != kBatch) {
    return Fail(ErrorCode::kUnsupported, fmt::format("journal record of kind {}", kind));
  }
  const auto rows = in.Fixed<std::uint32_t>();
  if (!in.ok() || rows > kBatchRowsMax || rows * kEventBytesMin > in.remaining()) {
    return Fail(ErrorCode::kCorruption,
                fmt::format("journal record claims {} events in {} bytes", rows, in.remaining()));
  }
  std::vector<NewEvent> events;
  events.reserve(rows);
  for (std::uint32_t i = 0; i < rows && in.ok(); ++i) events.push_back(TakeEvent(in));
  if (!in.AtEnd()) {
    return Fail(ErrorCode::kCorruption, "journal record does not end with its last event");
  }
  return events;
}

}  // namespace postglass::store
