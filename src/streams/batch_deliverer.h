#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file_system.h"
#include "net/http_client.h"
#include "streams/file_keeper.h"
#include "streams/stream_config.h"

namespace postglass::streams {

struct Batch {
  std::string id;  // UUID; the same on every attempt, over restarts, too
  std::vector<std::string> records;
};

// Makes one attempt. Thread-safe; blocks. Protocol: Firehose Developer Guide, "Understand HTTP
// endpoint delivery request and response specifications".
class BatchDeliverer {
 public:
  enum class PrivateEndpoints { kAllowed, kDenied };

  // The references must outlive it. Files go below `files`.
  BatchDeliverer(FileSystem& fs,
                 const Clock& clock,
                 net::HttpClient& client,
                 Path files,
                 PrivateEndpoints private_endpoints,
                 FileKeeper& keeper)
      : fs_(fs),
        clock_(clock),
        client_(client),
        files_(std::move(files)),
        private_endpoints_(private_endpoints),
        keeper_(keeper) {}

  struct Outcome {
    bool delivered = true;
    bool may_work_later = false;  // else trying again will not help
    std::string reason;
  };

  Outcome Post(const StreamConfig& stream, const Batch& batch) const;
  // BUCKET/PREFIX[failed/]YYYY/MM/DD/HH/STREAM-1-TIME-ID, the records one behind the other, as they
  // are, gzipped when the stream says so. Durable when it returns. Files that are too old go.
  Status WriteFile(const StreamConfig& stream, const Batch& batch, bool failed) const;

 private:
  FileSystem& fs_;
  const Clock& clock_;
  net::HttpClient& client_;
  const Path files_;
  const PrivateEndpoints private_endpoints_;
  FileKeeper& keeper_;
};

}  // namespace postglass::streams
