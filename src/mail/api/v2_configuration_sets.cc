#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "mail/api/ses_errors.h"
#include "mail/api/v2_operations.h"

namespace postglass::mail::v2 {
namespace {

constexpr std::int64_t kDeliverySecondsMin = 300;
constexpr std::int64_t kDeliverySecondsMax = 50'400;

using Problem = std::optional<aws::AwsError>;

// Each reads one options structure into `set`: the body of its PUT, or a member of the creation.

Problem ReadDeliveryOptions(const json::object& options, ConfigurationSet& set) {
  const std::string policy = json::GetStringOr(options, "TlsPolicy", "");
  if (!policy.empty() && policy != "REQUIRE" && policy != "OPTIONAL") {
    return V2Invalid(
        "deliveryOptions.tlsPolicy", policy, "satisfy enum value set: [REQUIRE, OPTIONAL]");
  }
  const std::optional<std::int64_t> seconds = json::GetInt(options, "MaxDeliverySeconds");
  if (seconds && (*seconds < kDeliverySecondsMin || *seconds > kDeliverySecondsMax)) {
    return V2Invalid(
        "deliveryOptions.maxDeliverySeconds",
        std::to_string(*seconds),
        fmt::format("have value between {} and {}", kDeliverySecondsMin, kDeliverySecondsMax));
  }
  set.tls_policy = policy;
  set.sending_pool_name = json::GetStringOr(options, "SendingPoolName", "");
  set.max_delivery_seconds = seconds;
  return std::nullopt;
}

Problem ReadTrackingOptions(const json::object& options, ConfigurationSet& set) {
  TrackingOptions tracking;
  tracking.custom_redirect_domain = json::GetStringOr(options, "CustomRedirectDomain", "");
  tracking.https_policy = json::GetStringOr(options, "HttpsPolicy", "");
  const std::string& policy = tracking.https_policy;
  if (!policy.empty() && policy != "REQUIRE" && policy != "REQUIRE_OPEN_ONLY" &&
      policy != "OPTIONAL") {
    return V2Invalid("trackingOptions.httpsPolicy",
                     policy,
                     "satisfy enum value set: [REQUIRE, REQUIRE_OPEN_ONLY, OPTIONAL]");
  }
  if (!tracking.custom_redirect_domain.empty() &&
      !IsRedirectDomain(tracking.custom_redirect_domain)) {
    return V2Error(SesError{SesError::Kind::kInvalidTrackingOptions,
                            fmt::format("Invalid custom redirect domain <{}>.",
                                        ToValidUtf8(tracking.custom_redirect_domain))});
  }
  if (tracking == TrackingOptions{}) {
    set.tracking.reset();
  } else {
    set.tracking = std::move(tracking);
  }
  return std::nullopt;
}

Problem ReadReputationOptions(const json::object& options, ConfigurationSet& set) {
  set.reputation_metrics_enabled =
      json::GetBool(options, "ReputationMetricsEnabled").value_or(false);
  return std::nullopt;
}

Problem ReadSuppressionOptions(const json::object& options, ConfigurationSet& set) {
  std::vector<std::string> reasons = ReadStrings(options, "SuppressedReasons");
  for (const std::string& reason : reasons) {
    if (reason != "BOUNCE" && reason != "COMPLAINT") {
      return V2Invalid("suppressionOptions.suppressedReasons",
                       reason,
                       "satisfy enum value set: [BOUNCE, COMPLAINT]");
    }
  }
  set.suppressed_reasons = std::move(reasons);
  return std::nullopt;
}

Problem ReadSwitch(const json::object& options,
                   std::string_view group,
                   std::string_view name,
                   std::optional<bool>& target) {
  const json::object* parent = json::GetObject(options, group);
  const auto value = parent != nullptr ? json::GetString(*parent, name) : std::nullopt;
  if (!value) {
    target.reset();
    return std::nullopt;
  }
  if (*value != "ENABLED" && *value != "DISABLED") {
    return V2Invalid(fmt::format("vdmOptions.{}.{}", group, name),
                     *value,
                     "satisfy enum value set: [ENABLED, DISABLED]");
  }
  target = *value == "ENABLED";
  return std::nullopt;
}

Problem ReadVdmOptions(const json::object& options, ConfigurationSet& set) {
  if (auto problem = ReadSwitch(
          options, "DashboardOptions", "EngagementMetrics", set.vdm_engagement_metrics)) {
    return problem;
  }
  return ReadSwitch(
      options, "GuardianOptions", "OptimizedSharedDelivery", set.vdm_optimized_shared_delivery);
}

Problem ReadArchivingOptions(const json::object& options, ConfigurationSet& set) {
  set.archive_arn = json::GetStringOr(options, "ArchiveArn", "");
  return std::nullopt;
}

using Reader = Problem (*)(const json::object&, ConfigurationSet&);

// Checks the options on a scratch set first, so that only good ones reach the stored one.
Answer Put(const Call& call, const json::object& options, Reader reader) {
  ConfigurationSet scratch;
  if (Problem problem = reader(options, scratch)) return std::move(*problem);
  return Done(call.backend.configuration_sets.Update(call.path[0],
                                                     [&](ConfigurationSet& set) -> SesOutcome {
                                                       reader(options, set);
                                                       return std::nullopt;
                                                     }));
}

Problem ReadAllOptions(const json::object& body, ConfigurationSet& set) {
  constexpr std::pair<std::string_view, Reader> kMembers[] = {
      {"DeliveryOptions", ReadDeliveryOptions},
      {"TrackingOptions", ReadTrackingOptions},
      {"ReputationOptions", ReadReputationOptions},
      {"SuppressionOptions", ReadSuppressionOptions},
      {"VdmOptions", ReadVdmOptions},
      {"ArchivingOptions", ReadArchivingOptions},
  };
  for (const auto& member : kMembers) {
    const json::object* options = json::GetObject(body, member.first);
    if (options == nullptr) continue;
    if (Problem problem = member.second(*options, set)) return problem;
  }
  if (const json::object* sending = json::GetObject(body, "SendingOptions")) {
    set.sending_enabled = json::GetBool(*sending, "SendingEnabled").value_or(true);
  }
  return std::nullopt;
}

void RenderDelivery(json::object& out, const ConfigurationSet& set) {
  json::object options;
  if (!set.tls_policy.empty()) options["TlsPolicy"] = set.tls_policy;
  if (!set.sending_pool_name.empty()) options["SendingPoolName"] = set.sending_pool_name;
  if (set.max_delivery_seconds) options["MaxDeliverySeconds"] = *set.max_delivery_seconds;
  if (!options.empty()) out["DeliveryOptions"] = std::move(options);
}

void RenderTracking(json::object& out, const ConfigurationSet& set) {
  if (!set.tracking) return;
  json::object options{{"CustomRedirectDomain", set.tracking->custom_redirect_domain}};
  if (!set.tracking->https_policy.empty()) options["HttpsPolicy"] = set.tracking->https_policy;
  out["TrackingOptions"] = std::move(options);
}

std::string_view SwitchText(bool on) { return on ? "ENABLED" : "DISABLED"; }

void RenderVdm(json::object& out, const ConfigurationSet& set) {
  json::object options;
  if (set.vdm_engagement_metrics) {
    options["DashboardOptions"] =
        json::object{{"EngagementMetrics", SwitchText(*set.vdm_engagement_metrics)}};
  }
  if (set.vdm_optimized_shared_delivery) {
    options["GuardianOptions"] =
        json::object{{"OptimizedSharedDelivery", SwitchText(*set.vdm_optimized_shared_delivery)}};
  }
  if (!options.empty()) out["VdmOptions"] = std::move(options);
}

}  // namespace

Answer CreateConfigurationSet(const Call& call) {
  const auto name = json::GetString(call.body, "ConfigurationSetName");
  if (!name) return V2Missing("configurationSetName");
  ConfigurationSet set;
  set.name = *name;
  if (Problem problem = ReadAllOptions(call.body, set)) return std::move(*problem);
  auto tags = ReadTags(call.body);
  if (const auto* error = std::get_if<aws::AwsError>(&tags)) return *error;
  set.tags = std::move(std::get<Tags>(tags));
  return Done(call.backend.configuration_sets.Create(std::move(set)));
}

Answer ListConfigurationSets(const Call& call) {
  auto page = ReadPage(call, call.backend.configuration_sets.Names());
  if (const auto* error = std::get_if<aws::AwsError>(&page)) return *error;
  const PageRequest& found = std::get<PageRequest>(page);
  json::array names;
  for (const std::string& name : found.names) names.emplace_back(name);
  json::object out{{"ConfigurationSets", std::move(names)}};
  if (!found.next_token.empty()) out["NextToken"] = found.next_token;
  return out;
}

Answer GetConfigurationSet(const Call& call) {
  const auto set = call.backend.configuration_sets.Find(call.path[0]);
  if (!set) {
    return V2Error(SesError{SesError::Kind::kSetDoesNotExist,
                            fmt::format("Configuration set <{}> does not exist.", call.path[0])});
  }
  json::object reputation{{"ReputationMetricsEnabled", set->reputation_metrics_enabled}};
  if (set->last_fresh_start) reputation["LastFreshStart"] = EpochSeconds(*set->last_fresh_start);
  json::object out{{"ConfigurationSetName", set->name}};
  RenderTracking(out, *set);
  RenderDelivery(out, *set);
  out["ReputationOptions"] = std::move(reputation);
  out["SendingOptions"] = json::object{{"SendingEnabled", set->sending_enabled}};
  out["Tags"] = RenderTags(set->tags);
  if (set->suppressed_reasons) {
    json::array reasons;
    for (const std::string& reason : *set->suppressed_reasons) reasons.emplace_back(reason);
    out["SuppressionOptions"] = json::object{{"SuppressedReasons", std::move(reasons)}};
  }
  RenderVdm(out, *set);
  if (!set->archive_arn.empty()) {
    out["ArchivingOptions"] = json::object{{"ArchiveArn", set->archive_arn}};
  }
  return out;
}

Answer DeleteConfigurationSet(const Call& call) {
  return Done(call.backend.configuration_sets.Delete(call.path[0]));
}

Answer PutConfigurationSetDeliveryOptions(const Call& call) {
  return Put(call, call.body, ReadDeliveryOptions);
}

Answer PutConfigurationSetTrackingOptions(const Call& call) {
  return Put(call, call.body, ReadTrackingOptions);
}

Answer PutConfigurationSetReputationOptions(const Call& call) {
  return Put(call, call.body, ReadReputationOptions);
}

Answer PutConfigurationSetSendingOptions(const Call& call) {
  const bool enabled = json::GetBool(call.body, "SendingEnabled").value_or(false);
  return Done(call.backend.configuration_sets.Update(
      call.path[0], [&](ConfigurationSet& set) -> SesOutcome {
        SetSendingEnabled(set, enabled, call.backend.clock.Now());
        return std::nullopt;
      }));
}

Answer PutConfigurationSetSuppressionOptions(const Call& call) {
  return Put(call, call.body, ReadSuppressionOptions);
}

Answer PutConfigurationSetVdmOptions(const Call& call) {
  const json::object none;
  const json::object* options = json::GetObject(call.body, "VdmOptions");
  return Put(call, options != nullptr ? *options : none, ReadVdmOptions);
}

Answer PutConfigurationSetArchivingOptions(const Call& call) {
  return Put(call, call.body, ReadArchivingOptions);
}

}  // namespace postglass::mail::v2
