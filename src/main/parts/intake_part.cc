#include "main/parts/intake_part.h"

#include "pipelines/ses_pipeline.h"

namespace postglass {

Result<std::unique_ptr<IntakePart>> IntakePart::Make(PartContext& context,
                                                     AccessPart& access,
                                                     StorePart& store) {
  auto part = std::make_unique<IntakePart>();
  const Options& options = context.options;
  std::vector<pipelines::Pipeline> built_in;
  built_in.push_back(pipelines::MakeSesPipeline());
  part->engine = std::make_unique<pipelines::Engine>(std::move(built_in));
  part->intake =
      std::make_unique<intake::Intake>(*access.keys,
                                       *part->engine,
                                       *store.store,
                                       context.world.clock,
                                       context.world.random,
                                       context.metrics,
                                       intake::Intake::Options{options.Bool("intake.masking")});
  intake::Intake& intake = *part->intake;
  part->handler = [&intake](const net::HttpRequest& request) { return intake.Handle(request); };
  part->loopback = net::MakeLoopbackClient(part->handler);
  ASSIGN_OR_RETURN(part->chain, intake::IssuerFetchingChainChecker::Create(*context.outside, {}));
  part->sns_hook = std::make_unique<intake::SnsHook>(
      intake::SnsHook::Options{options.List("hooks.sns.topics"),
                               options.Duration("hooks.sns.max_age")},
      intake,
      *context.outside,
      *part->chain,
      context.world.clock,
      context.metrics);
  part->firehose_hook = std::make_unique<intake::FirehoseHook>(
      *access.keys, intake, context.world.clock, context.metrics);
  return part;
}

}  // namespace postglass
