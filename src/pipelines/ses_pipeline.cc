#include "pipelines/ses_pipeline.h"

#include "pipelines/ses_normaliser.h"
#include "pipelines/sns_unwrap.h"

namespace postglass::pipelines {
namespace {

// source:(sns OR ses OR amazon_ses)
Filter SesFilter() {
  store::Or any;
  for (const char* source : {"sns", "ses", "amazon_ses"}) {
    store::TermMatch term;
    term.field = {store::Field::Kind::kReserved, "source"};
    term.value = source;
    any.operands.push_back(store::Predicate{term});
  }
  return Filter(store::Predicate{std::move(any)});
}

}  // namespace

Pipeline MakeSesPipeline() {
  Pipeline pipeline;
  pipeline.name = "ses";
  pipeline.filter = SesFilter();
  pipeline.steps.push_back({"sns-unwrap", Builtin(UnwrapSns)});
  pipeline.steps.push_back({"ses-normalise", Builtin(NormaliseSes)});
  pipeline.steps.push_back(
      {"ses-headers",
       KeyValueProcessor({.source = "mail.headers",
                          .key_to_extract = "name",
                          .value_to_extract = "value",
                          .target = "email.headers",
                          .override_on_conflict = true,
                          .duplicates = KeyValueProcessor::Duplicates::kCollect})});
  pipeline.steps.push_back(
      {"ses-service",
       ServiceRemapper({"mail.tags.service.0", "mail.tags.ses:configuration-set.0"})});
  // A notification that is no mail event still has a time of its own.
  pipeline.steps.push_back({"sns-date", DateRemapper({"Sns.Timestamp"})});
  return pipeline;
}

}  // namespace postglass::pipelines
