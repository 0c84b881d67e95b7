#include "streams/stream_service.h"

#include <fmt/format.h>

#include <future>

#include "base/log.h"
#include "streams/stream.h"

namespace postglass::streams {
namespace {

constexpr std::string_view kKind = "stream";

// Removes a stream's journal, as far as it goes; what stays is nobody's and does no harm.
void RemoveDirectory(FileSystem& fs, const Path& directory) {
  const Result<std::vector<std::string>> names = fs.List(directory);
  if (!names) return;
  for (const std::string& name : *names) static_cast<void>(fs.Remove(directory / name).has_value());
  static_cast<void>(fs.Remove(directory).has_value());
}

}  // namespace

StreamService::StreamService(Parts parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      keeper_(parts.fs, parts.clock, parts.metrics, options_.files, options_.keep),
      deliverer_(parts.fs,
                 parts.clock,
                 parts.client,
                 options_.files,
                 options_.private_endpoints,
                 keeper_) {}

Result<std::unique_ptr<StreamService>> StreamService::Create(Parts parts, Options options) {
  std::unique_ptr<StreamService> service(new StreamService(parts, std::move(options)));
  ASSIGN_OR_RETURN(const auto documents, parts.settings.List(kKind));
  for (const Settings::Document& document : documents) {
    Result<StreamConfig> config = DecodeStream(document.json, parts.box);
    if (!config) {
      log::Error("streams", "stream {} left out: {}", document.key, config.error().message);
      continue;
    }
    RETURN_IF_ERROR(service->Open(std::move(*config)));
  }
  return service;
}

StreamService::~StreamService() { Stop(); }

std::string StreamService::ArnOf(std::string_view name) const {
  return fmt::format("arn:aws:firehose:{}:{}:deliverystream/{}",
                     options_.account.region,
                     options_.account.account_id,
                     name);
}

Status StreamService::Open(StreamConfig config) {
  journal::Options journal_options;
  journal_options.durability = options_.durability;
  journal_options.name = "streams";
  const Path dir = options_.dir / config.uid;
  RETURN_IF_ERROR(parts_.fs.CreateDirectories(dir));
  ASSIGN_OR_RETURN(
      auto journal,
      journal::Journal::Open(parts_.fs, parts_.clock, parts_.metrics, dir, journal_options));
  const std::string name = config.name;
  auto stream = std::make_shared<Stream>(
      std::move(config), std::move(journal), parts_.box, parts_.clock, parts_.metrics, deliverer_);
  MutexLock lock(mutex_);
  if (started_) stream->Start();
  streams_.insert_or_assign(name, std::move(stream));
  return {};
}

void StreamService::Start() {
  keeper_.SweepIfDue();
  MutexLock lock(mutex_);
  started_ = true;
  for (const auto& [name, stream] : streams_) stream->Start();
}

void StreamService::Stop() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    MutexLock lock(mutex_);
    started_ = false;
    for (const auto& [name, stream] : streams_) streams.push_back(stream);
  }
  for (const auto& stream : streams) stream->Stop();
}

Status StreamService::CreateStream(StreamConfig config) {
  MutexLock changing(change_mutex_);
  {
    MutexLock lock(mutex_);
    if (streams_.contains(config.name)) {
      return Fail(ErrorCode::kAlreadyExists,
                  fmt::format("Firehose {} under accountId {} already exists",
                              config.name,
                              options_.account.account_id));
    }
    if (streams_.size() >= kStreamsMax) {
      return Fail(ErrorCode::kLimit, fmt::format("{} streams are the most", kStreamsMax));
    }
  }
  config.arn = ArnOf(config.name);
  config.uid = parts_.random.Uuid();
  config.created_at = config.updated_at = parts_.clock.Now();
  RETURN_IF_ERROR(parts_.settings.Put(kKind, config.name, EncodeStream(config, parts_.box)));
  return Open(std::move(config));
}

Status StreamService::DeleteStream(std::string_view name) {
  MutexLock changing(change_mutex_);
  std::shared_ptr<Stream> stream = FindStream(name);
  if (!stream) return Fail(ErrorCode::kNotFound, fmt::format("no stream {}", name));
  RETURN_IF_ERROR(parts_.settings.Remove(kKind, name));
  {
    MutexLock lock(mutex_);
    streams_.erase(streams_.find(name));
  }
  stream->Stop();
  const Path dir = options_.dir / stream->config()->uid;
  stream.reset();  // whoever still puts a record holds it a moment longer
  RemoveDirectory(parts_.fs, dir);
  return {};
}

std::shared_ptr<Stream> StreamService::FindStream(std::string_view name) const {
  MutexLock lock(mutex_);
  const auto at = streams_.find(name);
  return at == streams_.end() ? nullptr : at->second;
}

std::shared_ptr<const StreamConfig> StreamService::Find(std::string_view name) const {
  const std::shared_ptr<Stream> stream = FindStream(name);
  return stream ? stream->config() : nullptr;
}

std::vector<std::shared_ptr<const StreamConfig>> StreamService::List() const {
  std::vector<std::shared_ptr<const StreamConfig>> configs;
  MutexLock lock(mutex_);
  for (const auto& [name, stream] : streams_) configs.push_back(stream->config());
  return configs;
}

Status StreamService::SetTags(std::string_view name, std::map<std::string, std::string> tags) {
  MutexLock changing(change_mutex_);
  const std::shared_ptr<Stream> stream = FindStream(name);
  if (!stream) return Fail(ErrorCode::kNotFound, fmt::format("no stream {}", name));
  StreamConfig changed = *stream->config();
  changed.tags = std::move(tags);
  RETURN_IF_ERROR(parts_.settings.Put(kKind, name, EncodeStream(changed, parts_.box)));
  stream->SetConfig(std::move(changed));
  return {};
}

Status StreamService::SetDestination(std::string_view name,
                                     std::int64_t version,
                                     StreamConfig destination) {
  MutexLock changing(change_mutex_);
  const std::shared_ptr<Stream> stream = FindStream(name);
  if (!stream) return Fail(ErrorCode::kNotFound, fmt::format("no stream {}", name));
  const std::shared_ptr<const StreamConfig> now = stream->config();
  if (now->version != version) {
    return Fail(ErrorCode::kUnavailable, fmt::format("{} has version {}", name, now->version));
  }
  destination.name = now->name;
  destination.arn = now->arn;
  destination.uid = now->uid;
  destination.created_at = now->created_at;
  destination.tags = now->tags;
  destination.updated_at = parts_.clock.Now();
  destination.version = version + 1;
  RETURN_IF_ERROR(parts_.settings.Put(kKind, name, EncodeStream(destination, parts_.box)));
  stream->SetConfig(std::move(destination));
  return {};
}

Status StreamService::Put(std::string_view name, std::vector<std::string> records) {
  const std::shared_ptr<Stream> stream = FindStream(name);
  if (!stream) return Fail(ErrorCode::kNotFound, fmt::format("no stream {}", name));
  if (options_.may_take) RETURN_IF_ERROR(options_.may_take());
  std::promise<Status> durable;
  stream->PutAsync(std::move(records),
                   [&durable](Status status) { durable.set_value(std::move(status)); });
  return durable.get_future().get();
}

Status StreamService::CheckStream(const std::string& stream_arn) const {
  const std::size_t slash = stream_arn.rfind('/');
  const std::string name = slash == std::string::npos ? "" : stream_arn.substr(slash + 1);
  if (!name.empty() && ArnOf(name) == stream_arn && Find(name)) return {};
  return Fail(ErrorCode::kNotFound, fmt::format("there is no stream {}", stream_arn));
}

void StreamService::PutAsync(const std::string& stream_arn,
                             std::string record,
                             std::function<void(Status)> done) {
  const std::shared_ptr<Stream> stream =
      CheckStream(stream_arn) ? FindStream(stream_arn.substr(stream_arn.rfind('/') + 1)) : nullptr;
  if (!stream) {
    parts_.metrics
        .GetCounter("postglass_streams_no_such_stream_total",
                    "Records for delivery streams that are not there")
        .Add();
    log::Warn("streams", "a record for {} dropped: there is no such stream", stream_arn);
    done({});
    return;
  }
  std::vector<std::string> records;
  records.push_back(std::move(record));
  stream->PutAsync(std::move(records), std::move(done));
}

void StreamService::DeliverAll() {
  std::vector<std::shared_ptr<Stream>> streams;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, stream] : streams_) streams.push_back(stream);
  }
  for (const auto& stream : streams) stream->DeliverAll();
}

}  // namespace postglass::streams
