#include "functions/function_registry.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "base/log.h"

namespace postglass::functions {
namespace {

std::string SealContext(std::string_view name) {
  return fmt::format("function/{}/environment", name);
}

}  // namespace

std::string_view FunctionNameOf(std::string_view name_or_arn) {
  constexpr std::string_view kMark = "function:";
  if (const std::size_t at = name_or_arn.find(kMark); at != std::string_view::npos) {
    name_or_arn.remove_prefix(at + kMark.size());
  }
  return name_or_arn.substr(0, name_or_arn.find(':'));
}

Result<std::unique_ptr<FunctionRegistry>> FunctionRegistry::Load(Settings& settings,
                                                                 const SecretBox& box,
                                                                 const Clock& clock,
                                                                 Random& random) {
  std::unique_ptr<FunctionRegistry> registry(new FunctionRegistry(settings, box, clock, random));
  ASSIGN_OR_RETURN(const auto documents, settings.List(kKind));
  MutexLock lock(registry->mutex_);
  for (const Settings::Document& document : documents) {
    auto function = registry->Decode(document.key, document.json);
    if (!function) {
      log::Error("functions", "{} is left out: {}", document.key, function.error().message);
      continue;
    }
    registry->functions_[document.key] = std::make_shared<const Function>(*std::move(function));
  }
  return registry;
}

std::shared_ptr<const Function> FunctionRegistry::Find(std::string_view name_or_arn) const {
  MutexLock lock(mutex_);
  const auto found = functions_.find(FunctionNameOf(name_or_arn));
  if (found == functions_.end()) return nullptr;
  // A whole ARN must be this one's: another account's function of the same name is another.
  if (name_or_arn.starts_with("arn:") && !name_or_arn.starts_with(found->second->arn)) {
    return nullptr;
  }
  return found->second;
}

std::vector<std::shared_ptr<const Function>> FunctionRegistry::List() const {
  MutexLock lock(mutex_);
  std::vector<std::shared_ptr<const Function>> all;
  for (const auto& [name, function] : functions_) all.push_back(function);
  return all;
}

Result<std::shared_ptr<const Function>> FunctionRegistry::Put(Function function) {
  MutexLock writing(write_mutex_);
  return PutLocked(std::move(function));
}

Result<std::shared_ptr<const Function>> FunctionRegistry::PutLocked(Function function) {
  function.revision_id = random_.Uuid();
  function.last_modified_ms = clock_.Now().millis();
  RETURN_IF_ERROR(settings_.Put(kKind, function.name, Encode(function)));
  auto kept = std::make_shared<const Function>(std::move(function));
  MutexLock lock(mutex_);
  functions_[kept->name] = kept;
  return kept;
}

std::string FunctionRegistry::Encode(const Function& function) const {
  json::object variables;
  for (const auto& [name, value] : function.environment) variables[name] = value;
  json::object o{{"arn", function.arn},
                 {"runtime", function.runtime},
                 {"handler", function.handler},
                 {"role", function.role},
                 {"description", function.description},
                 {"timeout_seconds", function.timeout_seconds},
                 {"memory_megabytes", function.memory_megabytes},
                 {"builtin", function.builtin},
                 {"revision_id", function.revision_id},
                 {"last_modified_ms", function.last_modified_ms}};
  o["environment_sealed"] =
      Base64Encode(box_.Seal(SealContext(function.name), json::Serialize(variables)));
  if (!function.policy.empty()) o["policy"] = function.policy;
  if (function.reserved_concurrency) o["reserved_concurrency"] = *function.reserved_concurrency;
  return json::Serialize(o);
}

Result<Function> FunctionRegistry::Decode(std::string_view name, std::string_view text) const {
  ASSIGN_OR_RETURN(const json::object o, json::ParseObject(text));
  Function function;
  function.name = name;
  function.arn = json::GetStringOr(o, "arn", "");
  function.runtime = json::GetStringOr(o, "runtime", function.runtime);
  function.handler = json::GetStringOr(o, "handler", function.handler);
  function.role = json::GetStringOr(o, "role", "");
  function.description = json::GetStringOr(o, "description", "");
  function.timeout_seconds =
      static_cast<int>(json::GetInt(o, "timeout_seconds").value_or(function.timeout_seconds));
  function.memory_megabytes =
      static_cast<int>(json::GetInt(o, "memory_megabytes").value_or(function.memory_megabytes));
  function.builtin = json::GetBool(o, "builtin").value_or(false);
  function.revision_id = json::GetStringOr(o, "revision_id", "");
  function.last_modified_ms = json::GetInt(o, "last_modified_ms").value_or(0);
  if (const json::object* policy = json::GetObject(o, "policy")) function.policy = *policy;
  if (const auto limit = json::GetInt(o, "reserved_concurrency")) {
    function.reserved_concurrency = static_cast<int>(*limit);
  }
  const auto sealed = Base64Decode(json::GetStringOr(o, "environment_sealed", ""));
  if (!sealed) return Fail(ErrorCode::kCorruption, "its environment is not base64");
  ASSIGN_OR_RETURN(const std::string plain, box_.Unseal(SealContext(name), *sealed));
  ASSIGN_OR_RETURN(const json::object variables, json::ParseObject(plain));
  for (const auto& variable : variables) {
    if (!variable.value().is_string()) continue;
    function.environment.emplace(std::string(variable.key()),
                                 std::string(std::string_view(variable.value().get_string())));
  }
  return function;
}

}  // namespace postglass::functions
