#include "bench/corpus/mail.h"

#include <algorithm>
#include <vector>

namespace postglass::bench {

namespace {

constexpr std::int64_t kCampaignMs = 600'000;

WeightedPick TenantPick() {
  std::vector<double> weights;
  for (const Tenant& tenant : Tenants()) weights.push_back(tenant.weight);
  return WeightedPick(weights);
}

WeightedPick TemplatePick() {
  std::vector<double> weights;
  for (const Template& what : Templates()) weights.push_back(what.weight);
  return WeightedPick(weights);
}

}  // namespace

MailDraw::MailDraw() : tenants_(TenantPick()), templates_(TemplatePick()) {}

Mail MailDraw::operator()(std::uint64_t seed, std::int64_t sent_ms) const {
  Draws draws(seed);
  Mail mail;
  mail.seed = seed;
  mail.sent_ms = sent_ms;
  mail.tenant = tenants_(draws);
  mail.what = templates_(draws);
  // Every tenth span of ten minutes somebody sends a campaign.
  Draws campaign(Mix(static_cast<std::uint64_t>(sent_ms / kCampaignMs)));
  if (campaign.Chance(0.1) && draws.Chance(0.4)) {
    mail.tenant = tenants_(campaign);
    mail.what = templates_(campaign);
  }
  mail.source_ip = (mail.tenant + draws.Below(3)) % kSourceIps;
  const double spread = draws.Unit();
  mail.recipients = spread < 0.93 ? 1 : spread < 0.972 ? 2 : spread < 0.99 ? 3 : 5;
  for (std::size_t i = 0; i < mail.recipients;) {
    const Rank rank = people_.Draw(draws);
    const auto end = mail.ranks.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::find(mail.ranks.begin(), end, rank) == end) mail.ranks[i++] = rank;
  }
  return mail;
}

}  // namespace postglass::bench
