#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "access/keys.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/metrics.h"
#include "base/random_testing.h"
#include "bench/corpus/ses_corpus.h"
#include "intake/intake.h"
#include "intake/preprocess.h"
#include "pipelines/ses_pipeline.h"
#include "store/collect_testing.h"
#include "store/oracle_store.h"

namespace postglass::bench {
namespace {

class NoKeys final : public access::KeyVerifier {
 public:
  bool IsApiKey(std::string_view) const override { return false; }

  bool IsApplicationKey(std::string_view) const override { return false; }
};

// The SNS record around SES's own event, out of the generated product event.
json::object RecordOf(const store::Event& event, const store::Event& raw) {
  const json::object attributes = *json::ParseObject(event.attributes);
  json::object record;
  for (const char* member : {"EventSource", "EventVersion", "EventSubscriptionArn", "Sns"}) {
    record[member] = attributes.at(member);
  }
  record["Sns"].as_object()["Message"] = raw.attributes;
  record["ddsource"] = "ses";
  record["ddtags"] = "env:prod,forwardername:mail-forwarder";
  return record;
}

// The event as the product stores the record.
store::Event Stored(json::object record) {
  const NoKeys keys;
  const pipelines::Engine engine({pipelines::MakeSesPipeline()});
  store::OracleStore store;
  const SystemClock clock;
  SeededRandom random(1);
  Metrics metrics;
  intake::Intake intake(keys, engine, store, clock, random, metrics, {});
  std::vector<pipelines::Log> logs;
  logs.push_back(intake::Preprocess(std::move(record), {}, clock.Now()));
  intake::Provenance provenance;
  provenance.verified = intake::Verified::kSignature;
  EXPECT_TRUE(intake.Ingest(std::move(logs), provenance));
  store::Plan plan;
  plan.rows = store::RowsRequest{};
  store::CollectingSink sink;
  EXPECT_TRUE(store.Run(plan, sink));
  return sink.rows.at(0);
}

// The product variant is what the real intake and pipeline make of the raw variant: for every type
// of event, kind of refusal and form of mail.
TEST(SesCorpusProduct, IsWhatThePipelineMakesOfTheRawEvent) {
  SesCorpus::Options options;
  options.events = 60'000;
  SesCorpus raw(options);
  options.variant = Variant::kProduct;
  SesCorpus product(options);
  store::NewEvent raw_entry;
  store::NewEvent entry;
  std::map<std::tuple<EventType, const Refusal*, Mailer, std::size_t>, int> seen;
  for (std::uint64_t i = 0; i < options.events; ++i) {
    raw.Next(raw_entry);
    product.Next(entry);
    const EventFacts& facts = product.facts();
    const Mailer mailer = Templates()[facts.mail.what].mailer;
    if (++seen[{facts.type, facts.refusal, mailer, facts.mail.recipients}] > 2) continue;
    SCOPED_TRACE(entry.event.attributes);
    store::Event stored = Stored(RecordOf(entry.event, raw_entry.event));
    stored.id = entry.event.id;
    stored.ingested_at_ms = entry.event.ingested_at_ms;
    ASSERT_EQ(stored.attributes, entry.event.attributes);
    ASSERT_EQ(stored.message, entry.event.message);
    ASSERT_EQ(stored, entry.event);
    ASSERT_EQ(raw_entry.event.message, entry.event.message);
    ASSERT_EQ(raw_entry.event.timestamp_ms, entry.event.timestamp_ms);
  }
  std::map<EventType, int> types;
  for (const auto& [kind, count] : seen) types[std::get<0>(kind)] += count;
  EXPECT_EQ(types.size(), kEventTypes);
}

}  // namespace
}  // namespace postglass::bench
