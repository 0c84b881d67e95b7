#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace postglass::streams {

// How other stages put records into delivery streams. Thread-safe.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  // kNotFound when there is no such stream.
  virtual Status CheckStream(const std::string& stream_arn) const = 0;
  // `done` is called once, by any thread, when the record is durable. A stream that is gone drops
  // it, counted and logged: OK. Errors are those of the journal.
  virtual void PutAsync(const std::string& stream_arn,
                        std::string record,
                        std::function<void(Status)> done) = 0;
};

}  // namespace postglass::streams
