#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aws/service.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"
#include "mail/identity.h"
#include "mail/ses_error.h"

namespace postglass::mail {

// The identities of the account: kept in Settings (kind "identity"), read from memory. Thread-safe.
class Identities {
 public:
  struct Options {
    aws::Account account;
    bool require_verified = false;  // senders must be covered by an identity
    bool sandbox = false;           // and recipients too, the mailbox simulator excepted
  };

  // `settings` and `clock` must outlive it. Documents that cannot be read are left out and logged.
  static Result<std::unique_ptr<Identities>> Load(Options options,
                                                  Settings& settings,
                                                  const Clock& clock);

  std::shared_ptr<const Identity> Find(std::string_view name) const;
  std::vector<std::shared_ptr<const Identity>> List() const;  // by name
  // What speaks for `address`: itself, else its domain, else the nearest parent domain.
  std::shared_ptr<const Identity> Covering(std::string_view address) const;

  // kIdentityAlreadyExists; kInvalidParameter when the name is neither address nor domain.
  [[nodiscard]] SesOutcome Create(Identity identity);
  [[nodiscard]] SesOutcome Ensure(const std::string& name);  // as Create, and fine if it is there
  [[nodiscard]] SesOutcome Delete(const std::string& name);  // kIdentityDoesNotExist
  // As ConfigurationSets::Update(); `change` must not touch the name.
  [[nodiscard]] SesOutcome Update(const std::string& name,
                                  const std::function<SesOutcome(Identity&)>& change);

  // SES's rejection text, naming the addresses that failed, or nothing. Bare addresses.
  std::optional<std::string> CheckSending(const std::vector<std::string>& senders,
                                          const std::vector<std::string>& recipients) const;

  const Options& options() const { return options_; }

  // arn:aws:ses:REGION:ACCOUNT:identity/NAME
  std::string ArnOf(std::string_view name) const;

 private:
  using Map = std::map<std::string, std::shared_ptr<const Identity>, std::less<>>;

  Identities(Options options, Settings& settings, const Clock& clock)
      : options_(std::move(options)), settings_(settings), clock_(clock) {}

  std::shared_ptr<const Map> snapshot() const;
  SesOutcome Replace(const std::string& name, std::shared_ptr<const Identity> identity);

  const Options options_;
  Settings& settings_;
  const Clock& clock_;
  Mutex writers_;  // held over the write to Settings, as in ConfigurationSets
  mutable Mutex mutex_;
  std::shared_ptr<const Map> identities_ GUARDED_BY(mutex_) = std::make_shared<Map>();
};

// A custom MAIL FROM domain must be a subdomain of the identity's; empty takes it away. Kept to be
// shown: the envelope sender stays the caller's. kInvalidParameter, and as Update().
[[nodiscard]] SesOutcome SetMailFrom(Identities& identities,
                                     const std::string& identity,
                                     MailFromSettings wanted);

// The key of an identity: the domain part in lower case, the local part as it is.
std::string NormalizeIdentity(std::string_view name);

}  // namespace postglass::mail
