#include <fmt/format.h>

#include <array>
#include <map>
#include <thread>

#include "main/commands/ask.h"
#include "main/commands/search_once.h"
#include "main/demo_traffic.h"
#include "main/installation.h"
#include "main/ses_client.h"

namespace postglass {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{30'000};
constexpr milliseconds kAskEvery{50};

struct Check {
  std::string_view event_type;  // as SES says it
  std::string_view scenario;    // simulator address that yields it
};

constexpr std::array kChecks = {Check{"Send", "success"},
                                Check{"Delivery", "success"},
                                Check{"Bounce", "bounce"},
                                Check{"Complaint", "complaint"},
                                Check{"Reject", "reject"},
                                Check{"DeliveryDelay", "delay"},
                                Check{"Open", "open"},
                                Check{"Click", "click"}};

// A counter that moves when a stage loses or holds back an event, and what to say of it.
struct Suspect {
  std::string_view metric;
  std::string_view label;  // part of the series' labels; empty: any
  std::string_view because;
};

constexpr std::array kSuspects = {
    Suspect{"postglass_mail_events_without_destination_total",
            "",
            "no enabled event destination of the configuration set asks for this type"},
    Suspect{"postglass_topics_publish_dropped_total",
            "denied",
            "the topic's policy does not let SES publish"},
    Suspect{"postglass_topics_publish_dropped_total",
            "",
            "the topic that the event destination names does not exist"},
    Suspect{
        "postglass_topics_no_subscription_total", "", "the topic has no confirmed subscription"},
    Suspect{"postglass_functions_invocations_total",
            "refused",
            "the function is gone, or its policy does not let the topic invoke it"},
    Suspect{"postglass_functions_invocations_total",
            "throttled",
            "the function's concurrency is 0 or used up"},
    Suspect{
        "postglass_functions_invocations_total",
        "failed",
        "the forwarder fails: its intake is down or refuses its API key (see the server's log)"},
    Suspect{"postglass_intake_rejected_total", "", "the intake refused it (see the server's log)"},
};

// Series → value, from Prometheus text.
std::map<std::string, double> ReadMetrics(ServerClient& server) {
  std::map<std::string, double> values;
  const auto response = server.Call("GET", "/metrics");
  if (!response) return values;
  std::string_view rest = response->body;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const std::size_t blank = line.rfind(' ');
    if (!line.empty() && line.front() != '#' && blank != std::string_view::npos) {
      values[std::string(line.substr(0, blank))] =
          std::strtod(std::string(line.substr(blank + 1)).c_str(), nullptr);
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return values;
}

double Sum(const std::map<std::string, double>& values, const Suspect& suspect) {
  double sum = 0;
  for (const auto& [series, value] : values) {
    const bool named =
        series == suspect.metric || series.starts_with(std::string(suspect.metric) + "{");
    if (named && series.find(suspect.label) != std::string::npos) sum += value;
  }
  return sum;
}

std::string Cause(const std::map<std::string, double>& before,
                  const std::map<std::string, double>& after) {
  for (const Suspect& suspect : kSuspects) {
    if (Sum(after, suspect) > Sum(before, suspect)) return std::string(suspect.because);
  }
  return fmt::format("nothing counted it within {} s; see /readyz and the server's log",
                     kPatience.count() / 1000);
}

}  // namespace

int RunDoctor(const CommandContext& context, const DoctorFlags& flags) {
  const Path data = context.DataPath(flags.data);
  const auto connected = ServerClient::Connect(context.fs, data, {});
  if (!connected) return FailWith(connected.error());
  ServerClient& server = **connected;
  auto target = FindSesTarget(context, data, server.url());
  if (!target) return FailWith(target.error());
  SesClient ses(server.http(), context.clock, std::move(*target));
  // A set of the doctor's own, as an ordinary resource: it asks for every type.
  if (const Status made =
          ses.EnsureTrackedSet(kDoctorConfigurationSet, MailEventsTopicArn(ses.account()));
      !made) {
    return FailWith(made.error());
  }

  const std::map<std::string, double> before = ReadMetrics(server);

  struct Mail {
    std::string id;
    std::string trouble;
    std::chrono::nanoseconds sent_at{};
  };

  std::map<std::string_view, Mail> mails;  // by scenario
  for (const Check& check : kChecks) {
    if (mails.contains(check.scenario)) continue;
    const std::string to = fmt::format("{}@simulator.amazonses.com", check.scenario);
    auto text = MakeMail("welcome", to, context.random);
    if (!text) return FailWith(text.error());
    Mail mail;
    mail.sent_at = context.clock.Monotonic();
    const auto id = ses.Send({std::move(*text), {to}, kDoctorConfigurationSet, {}});
    if (id) {
      mail.id = *id;
    } else {
      mail.trouble = id.error().message;
    }
    mails[check.scenario] = std::move(mail);
  }

  bool all_seen = true;
  for (const Check& check : kChecks) {
    const Mail& mail = mails[check.scenario];
    std::string verdict;
    if (mail.id.empty()) {
      verdict = fmt::format("not seen, because the mail was refused: {}", mail.trouble);
    }
    while (verdict.empty()) {
      const auto found = IsSearchable(server, mail.id, check.event_type);
      const auto waited =
          std::chrono::duration_cast<milliseconds>(context.clock.Monotonic() - mail.sent_at);
      if (!found) {
        verdict = fmt::format("not seen, because the search failed: {}", found.error().message);
      } else if (*found) {
        verdict = fmt::format("seen after {} ms", waited.count());
      } else if (waited > kPatience) {
        verdict = fmt::format("not seen, because {}", Cause(before, ReadMetrics(server)));
      } else {
        std::this_thread::sleep_for(kAskEvery);
      }
    }
    all_seen = all_seen && verdict.starts_with("seen");
    Print(fmt::format("{:<14} {}\n", check.event_type, verdict));
  }
  return all_seen ? kExitOk : kExitTrouble;
}

}  // namespace postglass
