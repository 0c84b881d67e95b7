#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret_box.h"
#include "base/settings.h"
#include "functions/function.h"

namespace postglass::functions {

// All functions, in memory and written through to the settings documents of kind "function" (key:
// name). Environments are sealed with the key file: they hold API keys. Thread-safe; readers get
// immutable snapshots.
class FunctionRegistry {
 public:
  static constexpr std::string_view kKind = "function";

  // Reads all documents. All arguments must outlive the registry. A document that cannot be read or
  // unsealed is left out and named in the log. Errors: those of Settings::List.
  static Result<std::unique_ptr<FunctionRegistry>> Load(Settings& settings,
                                                        const SecretBox& box,
                                                        const Clock& clock,
                                                        Random& random);

  // By name, or by ARN with or without a qualifier. Null when there is none.
  std::shared_ptr<const Function> Find(std::string_view name_or_arn) const;
  std::vector<std::shared_ptr<const Function>> List() const;  // by name

  // Puts the function in the place of the one with its name and gives it a new revision. Durable on
  // OK. Errors: those of Settings::Apply.
  Result<std::shared_ptr<const Function>> Put(Function function);

  // Durable on OK. kNotFound.
  Status Remove(std::string_view name);

  // Puts it unless there is one of its name: kAlreadyExists.
  Result<std::shared_ptr<const Function>> Create(Function function);

  // Applies `change` to the present state of the function and puts the result; no other change
  // comes between. Errors: kNotFound, those of `change` and of Put.
  template <class F>
  Result<std::shared_ptr<const Function>> Update(std::string_view name, F&& change) {
    MutexLock writing(write_mutex_);
    const auto present = Find(name);
    if (!present) return Fail(ErrorCode::kNotFound, "no such function");
    Function changed = *present;
    RETURN_IF_ERROR(change(changed));
    return PutLocked(std::move(changed));
  }

 private:
  FunctionRegistry(Settings& settings, const SecretBox& box, const Clock& clock, Random& random)
      : settings_(settings), box_(box), clock_(clock), random_(random) {}

  Result<std::shared_ptr<const Function>> PutLocked(Function function) REQUIRES(write_mutex_);
  std::string Encode(const Function& function) const;
  Result<Function> Decode(std::string_view name, std::string_view text) const;

  Settings& settings_;
  const SecretBox& box_;
  const Clock& clock_;
  Random& random_;
  Mutex write_mutex_;  // held over the write to the settings, so that changes do not overtake
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Function>, std::less<>> functions_ GUARDED_BY(mutex_);
};

// The name in "forwarder", "forwarder:$LATEST", "123456789012:function:forwarder" and in a whole
// ARN.
std::string_view FunctionNameOf(std::string_view name_or_arn);

}  // namespace postglass::functions
