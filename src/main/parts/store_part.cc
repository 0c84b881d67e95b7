#include "main/parts/store_part.h"

#include "base/log.h"
#include "query/facets.h"
#include "query/saved_views.h"

namespace postglass {

Result<std::unique_ptr<StorePart>> StorePart::Make(PartContext& context) {
  auto part = std::make_unique<StorePart>();
  const Server::World& world = context.world;
  const Options& configured = context.options;
  store::EmbeddedStore::Options options;
  options.disk_warn_share =
      static_cast<double>(configured.Integer("store.disk_warn_percent")) / 100;
  options.disk_stop_share =
      static_cast<double>(configured.Integer("store.disk_stop_percent")) / 100;
  options.journal.durability = context.durability();
  if (const std::int64_t days = configured.Integer("store.retention_days"); days > 0) {
    options.retention.keep[0] = std::chrono::hours(24 * days);
  }
  options.retention.bytes_max = configured.Bytes("store.size_max");
  options.cache_bytes = configured.Bytes("store.cache_size");
  ASSIGN_OR_RETURN(
      part->store,
      store::EmbeddedStore::Open(
          world.fs, world.clock, context.metrics, context.directory.store(), std::move(options)));
  for (const std::string& damage : part->store->Describe().set_aside) {
    log::Error("store", "{}", damage);
  }
  part->runner = std::make_unique<query::QueryRunner>(
      *part->store, world.clock, context.metrics, query::QueryRunner::Options());
  part->search = std::make_unique<query::SearchService>(*part->runner, world.clock);
  part->answers = std::make_unique<query::AnswerService>(*part->runner, world.clock);
  part->domains = std::make_unique<query::DomainReports>(*part->runner, world.clock);
  part->counts = std::make_unique<query::CountService>(*part->runner, world.clock);
  part->log_list = std::make_unique<query::LogListService>(*part->runner, world.clock);
  part->zones = std::make_unique<query::TimeZones>(world.fs);
  part->aggregates =
      std::make_unique<query::AggregateService>(*part->runner, *part->zones, world.clock);
  part->explorer =
      std::make_unique<query::ExploreService>(*part->runner, *part->zones, world.clock);
  part->transactions = std::make_unique<query::TransactionsService>(*part->runner, world.clock);
  Settings& settings = context.directory.settings();
  ASSIGN_OR_RETURN(part->facets, query::Catalog::Load(settings, world.random, query::FacetKind()));
  ASSIGN_OR_RETURN(part->views,
                   query::Catalog::Load(settings, world.random, query::SavedViewKind()));
  store::EmbeddedStore& store = *part->store;
  context.health.Add("store", [&store]() -> Health::Finding {
    const store::Description description = store.Describe();
    std::string notice = description.reason;
    for (const std::string& damage : description.set_aside) {
      if (!notice.empty()) notice += "; ";
      notice += damage;
    }
    return {description.writable, std::move(notice)};
  });
  return part;
}

}  // namespace postglass
