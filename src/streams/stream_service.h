#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/file_system.h"
#include "base/metrics.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/settings.h"
#include "journal/journal.h"
#include "net/http_client.h"
#include "streams/batch_deliverer.h"
#include "streams/file_keeper.h"
#include "streams/record_sink.h"
#include "streams/stream_config.h"

namespace postglass::streams {

class Stream;

// All delivery streams: their settings (kind "stream", key: name), and for each a journal and a
// thread that delivers. Thread-safe.
class StreamService final : public RecordSink {
 public:
  static constexpr std::size_t kStreamsMax = 50;  // [Firehose]; a journal and two threads each

  struct Parts {  // all must outlive the service
    Settings& settings;
    FileSystem& fs;
    const Clock& clock;
    Random& random;
    Metrics& metrics;
    const SecretBox& box;
    net::HttpClient& client;
  };

  struct Options {
    Path dir;    // of the journals, one below for each stream
    Path files;  // where buckets are
    FileKeeper::Limits keep = {};
    aws::Account account;
    journal::Durability durability = journal::Durability::kFsync;
    BatchDeliverer::PrivateEndpoints private_endpoints = BatchDeliverer::PrivateEndpoints::kAllowed;
    // Asked before callers' records are taken; its error refuses them (a full disk). Empty: never
    // refused. Thread-safe, quick. Events of mail that was accepted are not held up by it.
    std::function<Status()> may_take = {};
  };

  // Opens every stream; nothing is delivered before Start().
  static Result<std::unique_ptr<StreamService>> Create(Parts parts, Options options);
  ~StreamService() override;

  void Start();
  void Stop();  // what is not delivered stays for the next start

  // Name, ARN, uid and time are set here. Errors: kAlreadyExists, kLimit, those of journal and
  // settings.
  Status CreateStream(StreamConfig config);
  Status DeleteStream(std::string_view name);  // kNotFound; with what is not delivered
  std::shared_ptr<const StreamConfig> Find(std::string_view name) const;
  std::vector<std::shared_ptr<const StreamConfig>> List() const;  // by name
  Status SetTags(std::string_view name, std::map<std::string, std::string> tags);
  // Another destination, as ReadStream() reads it; what waits for delivery goes there, too.
  // kNotFound; kUnavailable: its version is not `version` any more.
  Status SetDestination(std::string_view name, std::int64_t version, StreamConfig destination);

  // Waits until they are durable, all or none. kNotFound.
  Status Put(std::string_view name, std::vector<std::string> records);

  Status CheckStream(const std::string& stream_arn) const override;
  void PutAsync(const std::string& stream_arn,
                std::string record,
                std::function<void(Status)> done) override;

  // For tests, instead of Start(): delivers everything that was put, now.
  void DeliverAll();

  const aws::Account& account() const { return options_.account; }

 private:
  StreamService(Parts parts, Options options);
  Status Open(StreamConfig config);
  std::shared_ptr<Stream> FindStream(std::string_view name) const;
  std::string ArnOf(std::string_view name) const;

  const Parts parts_;
  const Options options_;
  FileKeeper keeper_;
  const BatchDeliverer deliverer_;
  Mutex change_mutex_;  // held over disk writes: changes do not overtake each other
  mutable Mutex mutex_;
  bool started_ GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<Stream>, std::less<>> streams_ GUARDED_BY(mutex_);
};

}  // namespace postglass::streams
