#include "base/metrics.h"

#include <gtest/gtest.h>

namespace postglass {
namespace {

TEST(Metrics, SameNameAndLabelsGiveTheSameObject) {
  Metrics metrics;
  Counter& a = metrics.GetCounter("postglass_x_total", "help", {{"stage", "a"}});
  Counter& b = metrics.GetCounter("postglass_x_total", "help", {{"stage", "b"}});
  EXPECT_EQ(&a, &metrics.GetCounter("postglass_x_total", "help", {{"stage", "a"}}));
  EXPECT_NE(&a, &b);
  a.Add();
  a.Add(2.5);
  EXPECT_EQ(a.value(), 3.5);
  EXPECT_EQ(b.value(), 0);
  Gauge& gauge = metrics.GetGauge("postglass_y_bytes", "help");
  gauge.Set(5);
  gauge.Set(4);
  EXPECT_EQ(&gauge, &metrics.GetGauge("postglass_y_bytes", "help"));
  EXPECT_EQ(gauge.value(), 4);
}

TEST(Metrics, RendersPrometheusText) {
  Metrics metrics;
  metrics.GetCounter("postglass_x_total", "What x counts", {{"stage", "a\"b"}}).Add(2);
  metrics.GetGauge("postglass_y_bytes", "Size").Set(7);
  const std::string text = metrics.Render();
  for (const char* line : {"# HELP postglass_x_total What x counts",
                           "# TYPE postglass_x_total counter",
                           "postglass_x_total{stage=\"a\\\"b\"} 2",
                           "# TYPE postglass_y_bytes gauge",
                           "postglass_y_bytes 7"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
}

}  // namespace
}  // namespace postglass
