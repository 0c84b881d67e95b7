#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "store/log_store.h"

namespace postglass::query {

// A store that answers as told.
class ScriptedStore final : public store::LogStore {
 public:
  std::function<Result<store::RunReport>(const store::Plan&, store::Sink&)> run;

  void AppendAsync(std::vector<store::NewEvent>, Appended done) override {
    done(Fail(ErrorCode::kUnsupported, "read only"));
  }

  Result<store::RunReport> Run(const store::Plan& plan, store::Sink& sink) override {
    return run(plan, sink);
  }

  Result<store::DeleteReport> Delete(const store::Plan&) override {
    return Fail(ErrorCode::kUnsupported, "read only");
  }

  Result<store::EraseReceipt> Erase(std::string_view, const store::StoreProgress&) override {
    return Fail(ErrorCode::kUnsupported, "read only");
  }

  store::Description Describe() const override { return {}; }

  Status Flush() override { return {}; }
};

}  // namespace postglass::query
