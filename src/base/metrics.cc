#include "base/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>
#include <unordered_map>

#include "base/check.h"
#include "base/mutex.h"

namespace postglass {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}

  void Add(double amount) override { counter_.Increment(amount); }

  double value() const override { return counter_.Value(); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}

  void Set(double value) override { gauge_.Set(value); }

  double value() const override { return gauge_.Value(); }

 private:
  prometheus::Gauge& gauge_;
};

prometheus::Labels ToMap(Metrics::Labels labels) {
  prometheus::Labels map;
  for (const auto& [name, value] : labels) map.emplace(name, value);
  return map;
}

}  // namespace

namespace {

// Name and labels as one text; no name or value holds a NUL.
std::string KeyOf(std::string_view name, Metrics::Labels labels) {
  std::string key(name);
  for (const auto& [label, value] : labels) {
    key += '\0';
    key += label;
    key += '\0';
    key += value;
  }
  return key;
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;  // thread-safe itself
  Mutex mutex;
  std::map<const prometheus::Counter*, PrometheusCounter> counters GUARDED_BY(mutex);
  std::map<const prometheus::Gauge*, PrometheusGauge> gauges GUARDED_BY(mutex);
  // What was asked for before: the registry makes maps and strings of every question.
  std::unordered_map<std::string, Counter*> known_counters GUARDED_BY(mutex);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}

Metrics::~Metrics() = default;

// prometheus-cpp throws only for names that are not allowed and for one name used as both kinds:
// mistakes of the programmer.
Counter& Metrics::GetCounter(std::string_view name, std::string_view help, Labels labels) {
  std::string key = KeyOf(name, labels);
  try {
    MutexLock lock(impl_->mutex);
    Counter*& known = impl_->known_counters[std::move(key)];
    if (known != nullptr) return *known;
    prometheus::Counter& counter = prometheus::BuildCounter()
                                       .Name(std::string(name))
                                       .Help(std::string(help))
                                       .Register(impl_->registry)
                                       .Add(ToMap(labels));
    known = &impl_->counters.try_emplace(&counter, counter).first->second;
    return *known;
  } catch (const std::exception&) {
    CHECK(false && "metric name or label not allowed");
  }
}

Gauge& Metrics::GetGauge(std::string_view name, std::string_view help, Labels labels) {
  try {
    MutexLock lock(impl_->mutex);
    prometheus::Gauge& gauge = prometheus::BuildGauge()
                                   .Name(std::string(name))
                                   .Help(std::string(help))
                                   .Register(impl_->registry)
                                   .Add(ToMap(labels));
    return impl_->gauges.try_emplace(&gauge, gauge).first->second;
  } catch (const std::exception&) {
    CHECK(false && "metric name or label not allowed");
  }
}

std::string Metrics::Render() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, impl_->registry.Collect());
  return std::move(out).str();
}

}  // namespace postglass
