#include "main/parts/destinations_part.h"

namespace postglass {

Result<std::unique_ptr<DestinationsPart>> DestinationsPart::Make(PartContext& context) {
  auto part = std::make_unique<DestinationsPart>();
  const Server::World& world = context.world;
  DataDirectory& directory = context.directory;
  cloudwatch::MetricStore::Options metrics;
  metrics.dir = directory.cloudwatch();
  metrics.durability = context.durability();
  journal::Recovery recovery;
  ASSIGN_OR_RETURN(part->metric_store,
                   cloudwatch::MetricStore::Create(
                       {world.fs, world.clock, context.metrics}, std::move(metrics), &recovery));
  context.NoteRecovery("cloudwatch", recovery);
  part->event_metrics =
      std::make_unique<mail::EventMetrics>(*part->metric_store, world.clock, context.metrics);

  streams::StreamService::Options options;
  options.dir = directory.streams();
  options.files = directory.stream_files();
  options.keep.age_max = context.options.Duration("streams.keep_files");
  options.keep.bytes_max = context.options.Bytes("streams.files_max");
  options.account = context.account;
  options.durability = context.durability();
  options.private_endpoints = context.options.Bool("topics.private_endpoints")
                                  ? streams::BatchDeliverer::PrivateEndpoints::kAllowed
                                  : streams::BatchDeliverer::PrivateEndpoints::kDenied;
  options.may_take = [&disk = *context.disk] { return disk.MayWrite(); };
  ASSIGN_OR_RETURN(part->streams,
                   streams::StreamService::Create({directory.settings(),
                                                   world.fs,
                                                   world.clock,
                                                   world.random,
                                                   context.metrics,
                                                   directory.secret_box(),
                                                   *context.outside},
                                                  std::move(options)));
  return part;
}

void DestinationsPart::Start() {
  metric_store->Start();
  streams->Start();
}

void DestinationsPart::Stop() {
  streams->Stop();
  metric_store->Stop();
}

}  // namespace postglass
