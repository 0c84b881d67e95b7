#include "functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"

namespace postglass::functions {
namespace {

std::string SealContext(std::string_view name) {
  return fmt::format("function/{}/environment", name);
}

using Texts = std::map<std::string, std::string, std::less<>>;

json::object ObjectOf(const Texts& texts) {
  json::object o;
  for (const auto& [name, value] : texts) o[name] = value;
  return o;
}

void ReadTexts(const json::object& o, Texts& texts) {
  for (const auto& member : o) {
    if (!member.value().is_string()) continue;
    texts.emplace(std::string(member.key()),
                  std::string(std::string_view(member.value().get_string())));
  }
}

json::object EncodeEventInvoke(const EventInvokeConfig& config) {
  json::object o{{"on_success_arn", config.on_success_arn},
                 {"on_failure_arn", config.on_failure_arn},
                 {"last_modified_ms", config.last_modified_ms}};
  if (config.retries_max) o["retries_max"] = *config.retries_max;
  if (config.event_age_max_seconds) o["event_age_max_seconds"] = *config.event_age_max_seconds;
  return o;
}

EventInvokeConfig DecodeEventInvoke(const json::object& o) {
  EventInvokeConfig config;
  config.on_success_arn = json::GetStringOr(o, "on_success_arn", "");
  config.on_failure_arn = json::GetStringOr(o, "on_failure_arn", "");
  config.last_modified_ms = json::GetInt(o, "last_modified_ms").value_or(0);
  if (const auto n = json::GetInt(o, "retries_max")) config.retries_max = static_cast<int>(*n);
  if (const auto n = json::GetInt(o, "event_age_max_seconds")) {
    config.event_age_max_seconds = static_cast<int>(*n);
  }
  return config;
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

Result<std::shared_ptr<const Function>> FunctionRegistry::Create(Function function) {
  MutexLock writing(write_mutex_);
  if (Find(function.name)) return Fail(ErrorCode::kAlreadyExists, "there is such a function");
  return PutLocked(std::move(function));
}

Status FunctionRegistry::Remove(std::string_view name) {
  MutexLock writing(write_mutex_);
  if (!Find(name)) return Fail(ErrorCode::kNotFound, "no such function");
  RETURN_IF_ERROR(settings_.Remove(kKind, name));
  MutexLock lock(mutex_);
  functions_.erase(functions_.find(name));
  return {};
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
  const json::object variables = ObjectOf(function.environment);
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
  if (!function.code.sha256.empty()) {
    o["code"] = json::object{{"sha256", function.code.sha256}, {"bytes", function.code.bytes}};
  }
  if (!function.dead_letter_arn.empty()) o["dead_letter_arn"] = function.dead_letter_arn;
  if (function.event_invoke) o["event_invoke"] = EncodeEventInvoke(*function.event_invoke);
  if (!function.tags.empty()) o["tags"] = ObjectOf(function.tags);
  o["architecture"] = function.architecture;
  o["tracing_mode"] = function.tracing_mode;
  o["ephemeral_megabytes"] = function.ephemeral_megabytes;
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
  if (const json::object* code = json::GetObject(o, "code")) {
    function.code.sha256 = json::GetStringOr(*code, "sha256", "");
    function.code.bytes = static_cast<std::uint64_t>(
        std::max<std::int64_t>(json::GetInt(*code, "bytes").value_or(0), 0));
  }
  function.dead_letter_arn = json::GetStringOr(o, "dead_letter_arn", "");
  if (const json::object* config = json::GetObject(o, "event_invoke")) {
    function.event_invoke = DecodeEventInvoke(*config);
  }
  if (const json::object* tags = json::GetObject(o, "tags")) ReadTexts(*tags, function.tags);
  function.architecture = json::GetStringOr(o, "architecture", function.architecture);
  function.tracing_mode = json::GetStringOr(o, "tracing_mode", function.tracing_mode);
  function.ephemeral_megabytes = static_cast<int>(
      json::GetInt(o, "ephemeral_megabytes").value_or(function.ephemeral_megabytes));
  const auto sealed = Base64Decode(json::GetStringOr(o, "environment_sealed", ""));
  if (!sealed) return Fail(ErrorCode::kCorruption, "its environment is not base64");
  ASSIGN_OR_RETURN(const std::string plain, box_.Unseal(SealContext(name), *sealed));
  ASSIGN_OR_RETURN(const json::object variables, json::ParseObject(plain));
  ReadTexts(variables, function.environment);
  return function;
}

}  // namespace postglass::functions
