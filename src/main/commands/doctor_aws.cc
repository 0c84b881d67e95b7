#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <thread>

#include "aws/arn.h"
#include "aws/signed_request.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "main/commands/ask.h"
#include "main/commands/search_once.h"
#include "main/ses_client.h"

namespace postglass {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kAskEvery{200};
constexpr milliseconds kCallTimeout{20'000};
constexpr int kWaitSecondsMax = 3'600;

// What the doctor does for a type of event.
enum class Means { kSimulator, kUnrenderable, kNone };

struct Kind {
  std::string_view event_type;  // as in the event
  std::string_view asked;       // as in an event destination
  Means means;
  std::string_view mailbox{};  // of the simulator
};

constexpr std::array kKinds = {Kind{"Send", "SEND", Means::kSimulator, "success"},
                               Kind{"Delivery", "DELIVERY", Means::kSimulator, "success"},
                               Kind{"Bounce", "BOUNCE", Means::kSimulator, "bounce"},
                               Kind{"Complaint", "COMPLAINT", Means::kSimulator, "complaint"},
                               Kind{"Rendering Failure", "RENDERING_FAILURE", Means::kUnrenderable},
                               Kind{"Reject", "REJECT", Means::kNone},
                               Kind{"DeliveryDelay", "DELIVERY_DELAY", Means::kNone},
                               Kind{"Open", "OPEN", Means::kNone},
                               Kind{"Click", "CLICK", Means::kNone},
                               Kind{"Subscription", "SUBSCRIPTION", Means::kNone}};

// What AWS says of the set-up before the first mail.
struct SetUp {
  bool known = false;                 // false: the key may not look at it
  std::set<std::string> asked_types;  // of enabled destinations that lead here
  std::string trouble;                // of topics: why nothing can come; empty: none seen
};

std::string Variable(const CommandContext& context, const std::string& name) {
  const auto found = context.environment.find(name);
  return found == context.environment.end() ? std::string() : found->second;
}

Result<SesClient::Target> TargetOf(const CommandContext& context, const AwsDoctorFlags& flags) {
  SesClient::Target target;
  target.access_key_id = Variable(context, "AWS_ACCESS_KEY_ID");
  target.secret_access_key = Variable(context, "AWS_SECRET_ACCESS_KEY");
  target.session_token = Variable(context, "AWS_SESSION_TOKEN");
  if (target.access_key_id.empty() || target.secret_access_key.empty()) {
    return Fail(ErrorCode::kInvalidArgument,
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set in the environment");
  }
  target.account.region = flags.region;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    if (target.account.region.empty()) target.account.region = Variable(context, name);
  }
  if (target.account.region.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "no Region: give --region or set AWS_REGION");
  }
  target.url = flags.endpoint.empty()
                   ? fmt::format("https://email.{}.amazonaws.com", target.account.region)
                   : flags.endpoint;
  while (target.url.ends_with('/')) target.url.pop_back();
  RETURN_IF_ERROR(net::ParseUrl(target.url).and_then([](const net::Url&) { return Status(); }));
  return target;
}

// A value of GetTopicAttributes' answer; empty when it is not there.
std::string_view AttributeOf(std::string_view xml, std::string_view name) {
  std::size_t at = xml.find(fmt::format("<key>{}</key>", name));
  if (at == std::string_view::npos) return {};
  constexpr std::string_view kOpen = "<value>";
  at = xml.find(kOpen, at);
  const std::size_t end = xml.find("</value>", at);
  if (at == std::string_view::npos || end == std::string_view::npos) return {};
  return xml.substr(at + kOpen.size(), end - at - kOpen.size());
}

// Why nothing comes through the topic; empty when nothing speaks against it.
std::string TopicTrouble(const CommandContext& context,
                         net::HttpClient& client,
                         const SesClient::Target& target,
                         bool own_endpoint,
                         const std::string& arn) {
  const auto parsed = aws::ParseArn(arn);
  const std::string region = parsed ? parsed->region : target.account.region;
  net::HttpClient::Request request;
  request.method = "POST";
  request.url =
      own_endpoint ? target.url + "/" : fmt::format("https://sns.{}.amazonaws.com/", region);
  request.body =
      fmt::format("Action=GetTopicAttributes&Version=2010-03-31&TopicArn={}", PercentEncode(arn));
  request.headers.Add("Content-Type", "application/x-www-form-urlencoded");
  request.timeout = kCallTimeout;
  auto to_send = aws::Sign(std::move(request),
                           {target.access_key_id, target.secret_access_key, target.session_token},
                           {region, "sns"},
                           context.clock.Now());
  if (!to_send) return {};
  const auto answer = client.Send(*to_send);
  if (!answer) return {};
  if (answer->status == 404) return fmt::format("the topic {} does not exist", arn);
  if (answer->status != 200) return {};  // not allowed to look
  if (AttributeOf(answer->body, "SubscriptionsConfirmed") == "0") {
    return AttributeOf(answer->body, "SubscriptionsPending") == "0"
               ? fmt::format("the topic {} has no subscription", arn)
               : fmt::format("the subscription of the topic {} is not confirmed", arn);
  }
  if (AttributeOf(answer->body, "Policy").find("ses.amazonaws.com") == std::string_view::npos) {
    return fmt::format("the policy of the topic {} does not name ses.amazonaws.com", arn);
  }
  return {};
}

Result<SetUp> LookAt(const CommandContext& context,
                     net::HttpClient& client,
                     SesClient& ses,
                     const SesClient::Target& target,
                     const AwsDoctorFlags& flags) {
  SetUp set_up;
  const auto destinations = ses.EventDestinations(flags.configuration_set);
  if (!destinations) {
    if (destinations.error().code != ErrorCode::kUnauthenticated) return Fail(destinations.error());
    Print(fmt::format("{:<18} not looked at: {}\n", "set-up", destinations.error().message));
    return set_up;
  }
  set_up.known = true;
  for (const json::value& entry : *destinations) {
    const json::object* destination = entry.if_object();
    if (destination == nullptr || !json::GetBool(*destination, "Enabled").value_or(false)) continue;
    const json::object* topic = json::GetObject(*destination, "SnsDestination");
    if (topic == nullptr &&
        json::GetObject(*destination, "KinesisFirehoseDestination") == nullptr) {
      continue;
    }
    if (const json::array* types = json::GetArray(*destination, "MatchingEventTypes")) {
      for (const json::value& type : *types) {
        if (type.is_string()) set_up.asked_types.emplace(type.get_string());
      }
    }
    if (topic == nullptr || !set_up.trouble.empty()) continue;
    set_up.trouble = TopicTrouble(context,
                                  client,
                                  target,
                                  !flags.endpoint.empty(),
                                  json::GetStringOr(*topic, "TopicArn", ""));
  }
  return set_up;
}

// What the server here says: a delivery that it refused since `began`, or a source that stands.
std::string OwnTrouble(ServerClient& server, const std::string& began) {
  if (const auto answer = server.CallJson("GET", "/api/v2/postglass/refusals")) {
    const json::object* whole = answer->if_object();
    const json::array* list = whole == nullptr ? nullptr : json::GetArray(*whole, "refusals");
    if (list != nullptr && !list->empty() && list->front().is_object()) {
      const json::object& newest = list->front().get_object();
      if (json::GetStringOr(newest, "timestamp", "") >= began) {
        return fmt::format("a delivery was refused here: {}",
                           json::GetStringOr(newest, "detail", ""));
      }
    }
  }
  const auto ready = server.CallJson("GET", "/readyz");
  if (!ready) return fmt::format("the server is not ready: {}", ready.error().message);
  const json::value* reason = ready->is_object()
                                  ? json::FindPath(ready->get_object(), "stages.sqs_source.reason")
                                  : nullptr;
  return reason != nullptr && reason->is_string() ? std::string(reason->get_string())
                                                  : std::string();
}

struct Sent {
  std::string id;
  std::string refused;  // why there is no id
  std::chrono::nanoseconds at{};
};

// One mail for each way to cause events, by the simulator's mailbox.
Result<std::map<std::string_view, Sent>> SendAll(const CommandContext& context,
                                                 SesClient& ses,
                                                 const AwsDoctorFlags& flags) {
  std::map<std::string_view, Sent> sent;
  for (const Kind& kind : kKinds) {
    if (kind.means == Means::kNone || sent.contains(kind.mailbox)) continue;
    const std::string to =
        fmt::format("{}@simulator.amazonses.com", kind.mailbox.empty() ? "success" : kind.mailbox);
    ASSIGN_OR_RETURN(MailText text, MakeMail("welcome", to, context.random));
    text.from = flags.from;
    const SesClient::Mail mail{std::move(text), {to}, flags.configuration_set, {}};
    Sent one;
    one.at = context.clock.Monotonic();
    const auto id =
        kind.means == Means::kUnrenderable ? ses.SendUnrenderable(mail) : ses.Send(mail);
    if (id) {
      one.id = *id;
    } else {
      one.refused = id.error().message;
    }
    sent[kind.mailbox] = std::move(one);
  }
  return sent;
}

}  // namespace

int RunDoctorAws(const CommandContext& context, const AwsDoctorFlags& flags) {
  if (flags.wait_seconds < 1 || flags.wait_seconds > kWaitSecondsMax) {
    return FailWith(
        {ErrorCode::kInvalidArgument, fmt::format("--wait is 1 to {} seconds", kWaitSecondsMax)});
  }
  const auto connected =
      ServerClient::Connect(context.fs, context.DataPath(flags.data), flags.server);
  if (!connected) return FailWith(connected.error());
  ServerClient& server = **connected;
  const auto target = TargetOf(context, flags);
  if (!target) return FailWith(target.error());
  const std::unique_ptr<net::HttpClient> client = net::MakeHttpClient({});
  SesClient ses(*client, context.clock, *target);
  const auto set_up = LookAt(context, *client, ses, *target, flags);
  if (!set_up) return FailWith(set_up.error());
  const std::string began = FormatIso8601Millis(context.clock.Now());
  const auto sent = SendAll(context, ses, flags);
  if (!sent) return FailWith(sent.error());

  const auto verdict_of = [&](const Kind& kind) -> std::string {
    if (set_up->known && !set_up->asked_types.contains(std::string(kind.asked))) {
      return fmt::format("not seen, because no enabled event destination of {} asks for it",
                         flags.configuration_set);
    }
    if (kind.means == Means::kNone) {
      return "not seen, because nothing that the doctor may send causes it";
    }
    const Sent& mail = sent->at(kind.mailbox);
    if (mail.id.empty()) {
      return fmt::format("not seen, because SES refused the mail: {}", mail.refused);
    }
    for (;;) {
      const auto found = IsSearchable(server, mail.id, kind.event_type);
      const std::chrono::duration<double> waited = context.clock.Monotonic() - mail.at;
      if (!found) {
        return fmt::format("not seen, because the search failed: {}", found.error().message);
      }
      if (*found) return fmt::format("seen after {:.1f} s", waited.count());
      if (waited.count() > static_cast<double>(flags.wait_seconds)) break;
      std::this_thread::sleep_for(kAskEvery);
    }
    if (!set_up->trouble.empty()) return "not seen, because " + set_up->trouble;
    if (const std::string own = OwnTrouble(server, began); !own.empty()) {
      return "not seen, because " + own;
    }
    return fmt::format(
        "not seen, because nothing of it reached this server within {} s: look at the topic's "
        "policy, its subscription and the dead-letter queue",
        flags.wait_seconds);
  };
  bool all_seen = true;
  for (const Kind& kind : kKinds) {
    const std::string verdict = verdict_of(kind);
    all_seen = all_seen && (kind.means == Means::kNone || verdict.starts_with("seen"));
    Print(fmt::format("{:<18} {}\n", kind.event_type, verdict));
  }
  return all_seen ? kExitOk : kExitTrouble;
}

}  // namespace postglass
