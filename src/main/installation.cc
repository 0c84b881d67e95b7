#include "main/installation.h"

#include <fmt/format.h>

#include <algorithm>

#include "access/key_ring.h"
#include "base/json.h"
#include "base/secret_box.h"

namespace postglass {
namespace {

constexpr std::string_view kKind = "installation";
constexpr std::string_view kKey = "account";

bool IsRegion(std::string_view text) {
  return text.size() >= 5 && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool IsAccountId(std::string_view text) {
  return text.size() == 12 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<aws::Account> LoadAccount(const Settings& settings) {
  ASSIGN_OR_RETURN(const std::optional<std::string> text, settings.Get(kKind, kKey));
  if (!text) return aws::Account();
  ASSIGN_OR_RETURN(const json::object document, json::ParseObject(*text));
  aws::Account account;
  account.region = json::GetStringOr(document, "region", account.region);
  account.account_id = json::GetStringOr(document, "account_id", account.account_id);
  return account;
}

Status SaveAccount(Settings& settings, const aws::Account& account) {
  if (!IsRegion(account.region)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--region takes a name such as us-east-1, not \"{}\"", account.region));
  }
  if (!IsAccountId(account.account_id)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("--account takes 12 digits, not \"{}\"", account.account_id));
  }
  return settings.Put(kKind,
                      kKey,
                      json::Serialize(json::object{{"region", account.region},
                                                   {"account_id", account.account_id}}));
}

std::string MailEventsTopicArn(const aws::Account& account) {
  return fmt::format("arn:aws:sns:{}:{}:mail-events", account.region, account.account_id);
}

std::string ForwarderArn(const aws::Account& account) {
  return fmt::format("arn:aws:lambda:{}:{}:function:forwarder", account.region, account.account_id);
}

Result<SesClient::Target> FindSesTarget(const CommandContext& context,
                                        const Path& data,
                                        const std::string& url) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Settings> settings,
                   Settings::OpenReadOnly(data / "postglass.db"));
  ASSIGN_OR_RETURN(const SecretBox box,
                   SecretBox::Open(context.fs, context.random, data / "secret.key"));
  ASSIGN_OR_RETURN(const aws::Account account, LoadAccount(*settings));
  ASSIGN_OR_RETURN(const std::unique_ptr<access::KeyRing> keys,
                   access::KeyRing::Load(*settings, box, context.clock, context.random));
  for (const access::KeyInfo& info : keys->List()) {
    if (info.kind != access::KeyInfo::Kind::kAws) continue;
    const auto credential = keys->Find(info.id);
    if (!credential) continue;
    return SesClient::Target{
        url, account, credential->access_key_id, credential->secret_access_key};
  }
  return Fail(ErrorCode::kNotFound,
              "there is no AWS key to sign with; make one with postglass keys create aws");
}

}  // namespace postglass
