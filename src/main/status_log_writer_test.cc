#include "main/status_log_writer.h"

#include <gtest/gtest.h>

#include "intake/intake_testing.h"

namespace postglass {
namespace {

std::vector<json::object> Entries(std::size_t count, std::string_view status = "SUCCESS") {
  return std::vector<json::object>(count, json::object{{"status", status}});
}

double Dropped(Metrics& metrics) {
  return metrics.GetCounter("postglass_topics_status_dropped_total", "").value();
}

TEST(StatusLogWriter, WritesWhatIsQueuedBeforeItStops) {
  intake::IntakeFixture f;
  StatusLogWriter writer(f.intake, f.metrics);
  writer.Add("sns/us-east-1/0/t", Entries(700));
  writer.Add("sns/us-east-1/0/t/Failure", Entries(1, "FAILURE"));
  writer.Start();
  writer.Stop();
  const auto stored = f.Stored();
  ASSERT_EQ(stored.size(), 701U);
  EXPECT_EQ(stored.back().status, "error");
  EXPECT_EQ(stored.back().source, "sns_delivery_status");
  EXPECT_NE(stored.back().attributes.find("sns/us-east-1/0/t/Failure"), std::string::npos);
  EXPECT_EQ(Dropped(f.metrics), 0);
}

TEST(StatusLogWriter, CountsWhatItLeavesOut) {
  intake::IntakeFixture f;
  StatusLogWriter writer(f.intake, f.metrics);
  writer.Add("g", Entries(StatusLogWriter::kQueuedMax));
  writer.Add("g", Entries(3));
  EXPECT_EQ(Dropped(f.metrics), 3);
  f.store.FailAppendsWith(Error{ErrorCode::kDiskFull, "no space"});
  writer.Start();
  writer.Stop();
  EXPECT_TRUE(f.Stored().empty());
  EXPECT_EQ(Dropped(f.metrics), 3 + StatusLogWriter::kQueuedMax);
}

}  // namespace
}  // namespace postglass
