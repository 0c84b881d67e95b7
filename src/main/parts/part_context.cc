#include "main/parts/part_context.h"

#include <fmt/format.h>

#include "base/log.h"
#include "main/installation.h"

namespace postglass {

Result<std::unique_ptr<PartContext>> PartContext::Make(const Server::World& world,
                                                       DataDirectory& directory,
                                                       const Options& options) {
  auto context = std::make_unique<PartContext>(world, directory, options);
  ASSIGN_OR_RETURN(context->account, LoadAccount(directory.settings()));
  if (!directory.damage().empty()) {
    log::Error("main", "{}", directory.damage());
    context->health.AddNotice(directory.damage());
  }
  context->outside = net::MakeHttpClient({});
  context->disk =
      std::make_unique<DiskGuard>(world.fs,
                                  world.clock,
                                  context->metrics,
                                  directory.path(),
                                  DiskGuard::Limits{options.Integer("store.disk_warn_percent"),
                                                    options.Integer("store.disk_stop_percent")});
  return context;
}

journal::Durability PartContext::durability() const {
  return options.String("store.durability") == "os" ? journal::Durability::kOs
                                                    : journal::Durability::kFsync;
}

void PartContext::NoteRecovery(std::string_view what, const journal::Recovery& recovery) {
  if (recovery.torn_bytes_cut > 0) {
    log::Info("main",
              "{}: cut {} bytes of an unfinished tail that nobody was promised",
              what,
              recovery.torn_bytes_cut);
  }
  for (const std::string& damage : recovery.set_aside) {
    log::Error("main", "{}: {}", what, damage);
    health.AddNotice(fmt::format("{}: {}", what, damage));
  }
}

std::string WithoutSlash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

}  // namespace postglass
