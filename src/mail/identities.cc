#include "mail/identities.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/log.h"
#include "mail/address.h"
#include "mail/limits.h"

namespace postglass::mail {
namespace {

constexpr std::string_view kKind = "identity";
// Always a permitted recipient, also in the sandbox.
constexpr std::string_view kSimulatorDomain = "simulator.amazonses.com";

SesOutcome CheckName(const std::string& name) {
  // A domain is checked as the domain of an address.
  const Result<Mailbox> mailbox =
      ParseMailbox(name.find('@') == std::string::npos ? "postmaster@" + name : name);
  const bool plain = mailbox && mailbox->display_name.empty() &&
                     mailbox->domain().find('.') != std::string_view::npos &&
                     mailbox->text == mailbox->address;
  if (plain) return std::nullopt;
  return SesError{SesError::Kind::kInvalidParameter,
                  fmt::format("Invalid email address or domain <{}>.", ToValidUtf8(name))};
}

SesError Missing(std::string_view name) {
  return {SesError::Kind::kIdentityDoesNotExist,
          fmt::format("Email identity <{}> does not exist.", name)};
}

std::string Upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

}  // namespace

std::string NormalizeIdentity(std::string_view name) {
  const std::size_t at = name.rfind('@');
  if (at == std::string_view::npos) return AsciiLower(name);
  return std::string(name.substr(0, at + 1)) + AsciiLower(name.substr(at + 1));
}

Result<std::unique_ptr<Identities>> Identities::Load(Options options,
                                                     Settings& settings,
                                                     const Clock& clock) {
  std::unique_ptr<Identities> identities(new Identities(std::move(options), settings, clock));
  ASSIGN_OR_RETURN(const std::vector<Settings::Document> documents, settings.List(kKind));
  auto loaded = std::make_shared<Map>();
  for (const Settings::Document& document : documents) {
    Result<Identity> identity = DecodeIdentity(document.json);
    if (!identity) {
      log::Error(
          "mail", "an identity cannot be read and is left out: {}", identity.error().message);
      continue;
    }
    loaded->insert_or_assign(document.key, std::make_shared<const Identity>(std::move(*identity)));
  }
  MutexLock lock(identities->mutex_);
  identities->identities_ = std::move(loaded);
  return identities;
}

std::shared_ptr<const Identities::Map> Identities::snapshot() const {
  MutexLock lock(mutex_);
  return identities_;
}

std::shared_ptr<const Identity> Identities::Find(std::string_view name) const {
  const std::shared_ptr<const Map> identities = snapshot();
  const auto it = identities->find(NormalizeIdentity(name));
  return it == identities->end() ? nullptr : it->second;
}

std::vector<std::shared_ptr<const Identity>> Identities::List() const {
  const std::shared_ptr<const Map> identities = snapshot();
  std::vector<std::shared_ptr<const Identity>> list;
  list.reserve(identities->size());
  for (const auto& entry : *identities) list.push_back(entry.second);
  return list;
}

std::shared_ptr<const Identity> Identities::Covering(std::string_view address) const {
  const std::shared_ptr<const Map> identities = snapshot();
  if (identities->empty()) return nullptr;
  const std::string key = NormalizeIdentity(address);
  if (const auto it = identities->find(key); it != identities->end()) return it->second;
  std::string_view domain = std::string_view(key).substr(key.rfind('@') + 1);
  while (!domain.empty()) {
    if (const auto it = identities->find(domain); it != identities->end()) return it->second;
    const std::size_t dot = domain.find('.');
    if (dot == std::string_view::npos) break;
    domain.remove_prefix(dot + 1);
  }
  return nullptr;
}

SesOutcome Identities::Replace(const std::string& name, std::shared_ptr<const Identity> identity) {
  const Status written = identity ? settings_.Put(kKind, name, EncodeIdentity(*identity))
                                  : settings_.Remove(kKind, name);
  if (SesOutcome failed = FromWrite(written)) return failed;
  auto changed = std::make_shared<Map>(*snapshot());
  if (identity) {
    changed->insert_or_assign(name, std::move(identity));
  } else {
    changed->erase(name);
  }
  MutexLock lock(mutex_);
  identities_ = std::move(changed);
  return std::nullopt;
}

SesOutcome Identities::Create(Identity identity) {
  identity.name = NormalizeIdentity(identity.name);
  if (SesOutcome bad = CheckName(identity.name)) return bad;
  MutexLock lock(writers_);
  if (Find(identity.name)) {
    return SesError{SesError::Kind::kIdentityAlreadyExists,
                    fmt::format("Email identity <{}> already exists.", identity.name)};
  }
  if (snapshot()->size() >= kIdentitiesMax) {
    return SesError{SesError::Kind::kLimitExceeded,
                    fmt::format("Cannot have more than {} identities.", kIdentitiesMax)};
  }
  if (identity.created_at == Timestamp{}) identity.created_at = clock_.Now();
  const std::string name = identity.name;
  return Replace(name, std::make_shared<const Identity>(std::move(identity)));
}

SesOutcome Identities::Ensure(const std::string& name) {
  Identity identity;
  identity.name = name;
  SesOutcome outcome = Create(std::move(identity));
  if (outcome && outcome->kind == SesError::Kind::kIdentityAlreadyExists) return std::nullopt;
  return outcome;
}

SesOutcome Identities::Delete(const std::string& name) {
  const std::string key = NormalizeIdentity(name);
  MutexLock lock(writers_);
  if (!Find(key)) return Missing(name);
  return Replace(key, nullptr);
}

SesOutcome Identities::Update(const std::string& name,
                              const std::function<SesOutcome(Identity&)>& change) {
  const std::string key = NormalizeIdentity(name);
  MutexLock lock(writers_);
  const std::shared_ptr<const Identity> found = Find(key);
  if (!found) return Missing(name);
  Identity identity = *found;
  if (SesOutcome refused = change(identity)) return refused;
  if (identity == *found) return std::nullopt;
  return Replace(key, std::make_shared<const Identity>(std::move(identity)));
}

std::optional<std::string> Identities::CheckSending(
    const std::vector<std::string>& senders, const std::vector<std::string>& recipients) const {
  if (!options_.require_verified && !options_.sandbox) return std::nullopt;
  std::vector<std::string> failed;
  const auto check = [&](const std::string& address) {
    if (Covering(address) == nullptr &&
        std::find(failed.begin(), failed.end(), address) == failed.end()) {
      failed.push_back(address);
    }
  };
  for (const std::string& sender : senders) check(sender);
  if (options_.sandbox) {
    for (const std::string& recipient : recipients) {
      const std::string_view domain = std::string_view(recipient).substr(recipient.rfind('@') + 1);
      if (!EqualsIgnoreAsciiCase(domain, kSimulatorDomain)) check(recipient);
    }
  }
  if (failed.empty()) return std::nullopt;
  return fmt::format(
      "Email address is not verified. The following identities failed the check in region {}: {}",
      Upper(options_.account.region),
      fmt::join(failed, ", "));
}

std::string Identities::ArnOf(std::string_view name) const {
  return fmt::format(
      "arn:aws:ses:{}:{}:identity/{}", options_.account.region, options_.account.account_id, name);
}

SesOutcome SetMailFrom(Identities& identities,
                       const std::string& identity,
                       MailFromSettings wanted) {
  wanted.domain = AsciiLower(wanted.domain);
  const std::string name = NormalizeIdentity(identity);
  const std::string own_domain = name.substr(name.rfind('@') + 1);
  if (!wanted.domain.empty() &&
      (!wanted.domain.ends_with("." + own_domain) || CheckName(wanted.domain))) {
    return SesError{SesError::Kind::kInvalidParameter,
                    fmt::format("Provided MAIL-FROM domain <{}> is not subdomain of the domain of "
                                "the identity <{}>.",
                                ToValidUtf8(wanted.domain),
                                ToValidUtf8(identity))};
  }
  return identities.Update(identity, [&](Identity& changed) -> SesOutcome {
    changed.mail_from = wanted;
    return std::nullopt;
  });
}

}  // namespace postglass::mail
