#include "main/parts/intake_part.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipelines/ses_pipeline.h"

namespace postglass {
namespace {

Result<std::unique_ptr<intake::SqsSource>> MakeSqsSource(PartContext& context,
                                                         intake::Intake& intake,
                                                         intake::CertificateChainChecker& chain) {
  const Options& given = context.options;
  intake::SqsSource::Options options;
  options.queue_url = given.String("source.sqs.queue_url");
  if (options.queue_url.empty()) return std::unique_ptr<intake::SqsSource>();
  options.endpoint = given.String("source.sqs.endpoint");
  options.region = given.String("source.sqs.region");
  options.access_key_id = given.String("source.sqs.access_key_id");
  options.secret_access_key = given.String("source.sqs.secret_access_key");
  options.topics = given.List("source.sqs.topics");
  options.form = given.Bool("source.sqs.raw") ? intake::SqsSource::Form::kRaw
                                              : intake::SqsSource::Form::kEnvelope;
  RETURN_IF_ERROR(intake::SqsSource::CheckOptions(options));
  auto source = std::make_unique<intake::SqsSource>(
      std::move(options), intake, *context.outside, chain, context.world.clock, context.metrics);
  // Everything else works without it, so that the server stays ready.
  context.health.Add("sqs_source", [&polled = *source]() -> Health::Finding {
    const std::string trouble = polled.trouble();
    if (trouble.empty()) return {};
    return {true, fmt::format("no events come from the polled queue: {}", trouble)};
  });
  return source;
}

}  // namespace

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
  ASSIGN_OR_RETURN(part->sqs_source, MakeSqsSource(context, intake, *part->chain));
  return part;
}

void IntakePart::Start() {
  if (sqs_source) sqs_source->Start();
}

void IntakePart::RequestStop() {
  if (sqs_source) sqs_source->RequestStop();
}

void IntakePart::Stop() {
  if (sqs_source) sqs_source->Stop();
}

std::vector<intake::Refusal> IntakePart::Refusals() const {
  std::vector<intake::Refusal> refusals = sns_hook->Refusals();
  if (!sqs_source) return refusals;
  for (intake::Refusal& refusal : sqs_source->Refusals()) refusals.push_back(std::move(refusal));
  std::stable_sort(
      refusals.begin(), refusals.end(), [](const auto& a, const auto& b) { return a.at > b.at; });
  return refusals;
}

}  // namespace postglass
