#include "mail/event_metrics.h"

#include <gtest/gtest.h>

#include "base/clock_testing.h"
#include "base/file_system_testing.h"
#include "base/json.h"

namespace postglass::mail {
namespace {

constexpr char kMail[] =
    R"({"tags":{"campaign":["spring","x"],"odd":["a b"]},)"
    R"("headers":[{"name":"X-Team","value":" shop "},{"name":"Empty","value":""}]})";

MailEvent Event(EventDetail detail) { return {{"id", "set", kMail}, std::move(detail), {}}; }

BounceDetail Bounce(const std::string& type, std::size_t recipients) {
  BounceDetail bounce;
  bounce.type = type;
  bounce.recipients.resize(recipients);
  return bounce;
}

class EventMetricsTest : public testing::Test {
 protected:
  EventMetricsTest()
      : store_(*cloudwatch::MetricStore::Create({fs_, clock_, registry_}, {.dir = "/m"})),
        metrics_(*store_, clock_, registry_) {}

  double Sum(const std::string& name, const cloudwatch::Dimensions& dimensions = {}) const {
    double sum = 0;
    for (const auto& point : store_->Read({"AWS/SES", name, dimensions},
                                          clock_.Now() - std::chrono::hours(1),
                                          clock_.Now() + std::chrono::hours(1),
                                          std::chrono::hours(3))) {
      sum += point.statistics.sum;
    }
    return sum;
  }

  FaultyFileSystem fs_;
  ManualClock clock_;
  Metrics registry_;
  std::unique_ptr<cloudwatch::MetricStore> store_;
  EventMetrics metrics_;
};

TEST_F(EventMetricsTest, ValuesComeFromTagsHeadersAndLinks) {
  const json::object mail = *json::ParseObject(kMail);
  ClickDetail click;
  click.link_tags = {{"place", {"footer"}}};
  const auto value = [&](const std::string& name, MetricDimension::Source source) {
    return DimensionValue({name, source, "default"}, Event(click), mail);
  };
  using Source = MetricDimension::Source;
  EXPECT_EQ(value("campaign", Source::kMessageTag), "spring");
  EXPECT_EQ(value("Campaign", Source::kMessageTag), "default");
  EXPECT_EQ(value("x-team", Source::kEmailHeader), "shop");
  EXPECT_EQ(value("X-Other", Source::kEmailHeader), "default");
  EXPECT_EQ(value("place", Source::kLinkTag), "footer");
  EXPECT_EQ(DimensionValue({"place", Source::kLinkTag, "default"}, Event(SendDetail()), mail),
            "default");
}

TEST_F(EventMetricsTest, DestinationsCountByTheirDimensions) {
  EventDestination destination;
  destination.metric_dimensions = {{"campaign", MetricDimension::Source::kMessageTag, "none"},
                                   {"X-Team", MetricDimension::Source::kEmailHeader, "none"}};
  metrics_.Publish(destination, Event(SendDetail()));
  metrics_.Publish(destination, Event(Bounce("Permanent", 3)));
  metrics_.Publish(destination, Event(RenderingFailureDetail()));
  const cloudwatch::Dimensions dimensions{{"campaign", "spring"}, {"X-Team", "shop"}};
  EXPECT_EQ(Sum("Send", dimensions), 1);
  EXPECT_EQ(Sum("Bounce", dimensions), 3);
  EXPECT_EQ(Sum("RenderingFailure", dimensions), 1);
  // What is no dimension drops the metric.
  destination.metric_dimensions = {{"odd", MetricDimension::Source::kMessageTag, "none"}};
  metrics_.Publish(destination, Event(SendDetail()));
  destination.metric_dimensions = {{"Empty", MetricDimension::Source::kEmailHeader, "none"}};
  metrics_.Publish(destination, Event(SendDetail()));
  cloudwatch::MetricStore::Filter filter;
  filter.metric_namespace = "AWS/SES";
  EXPECT_EQ(store_->List(filter, std::nullopt, 100).size(), 3U);
  EXPECT_EQ(registry_.GetCounter("postglass_ses_metrics_dropped_total", "").value(), 2);
}

TEST_F(EventMetricsTest, TheAccountHasFiguresAndReputation) {
  for (int i = 0; i < 8; ++i) metrics_.CountForAccount(Event(SendDetail()));
  metrics_.CountForAccount(Event(Bounce("Permanent", 2)));
  metrics_.CountForAccount(Event(Bounce("Transient", 1)));
  ComplaintDetail complaint;
  complaint.recipients = {"a@example.com"};
  clock_.Advance(std::chrono::minutes(1));
  metrics_.CountForAccount(Event(complaint));
  EXPECT_EQ(Sum("Send"), 8);
  EXPECT_EQ(Sum("Bounce"), 3);
  const auto rates = store_->Read({"AWS/SES", "Reputation.BounceRate", {}},
                                  clock_.Now(),
                                  clock_.Now() + std::chrono::minutes(1),
                                  std::chrono::minutes(1));
  ASSERT_EQ(rates.size(), 1U);
  EXPECT_EQ(rates[0].statistics.max, 0.25);
  EXPECT_NE(registry_.Render().find("postglass_ses_reputation_complaint_rate 0.125"),
            std::string::npos);
  EXPECT_NE(registry_.Render().find("postglass_ses_events_total{metric=\"Bounce\"} 3"),
            std::string::npos);
}

}  // namespace
}  // namespace postglass::mail
