#include "bench/corpus/senders.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "bench/corpus/draws.h"
#include "bench/corpus/layout.h"

namespace postglass::bench {

namespace {

constexpr std::array<std::string_view, kTenants> kTenantNames = {
    "northwind",  "fabrikam",     "contoso",      "tailspin",   "litware",      "proseware",
    "wingtip",    "adatum",       "trey",         "lucerne",    "woodgrove",    "humongous",
    "alpine",     "bellows",      "coho",         "blueyonder", "margie",       "nod",
    "relecloud",  "southridge",   "vanarsdel",    "wideworld",  "firstup",      "munson",
    "liberty",    "graphic",      "fourthcoffee", "datum",      "cohovineyard", "parnell",
    "bestforyou", "consolidated", "city",         "duffy",      "fincher",      "gardens",
    "hightech",   "internext",    "jupiter",      "kestrel",    "lakeside",     "meridian",
    "nightowl",   "oakhurst",     "pinecrest",    "quantum",    "riverbend",    "summit"};

constexpr auto kApi = Mailer::kSesApi;
constexpr auto kJava = Mailer::kJavaMail;
constexpr auto kNode = Mailer::kNodemailer;

constexpr std::array<Template, kTemplates> kAllTemplates = {{
    {"password-reset", "security", "Reset your password", "", "account/help", kApi, 6},
    {"password-changed",
     "security",
     "Your password was changed",
     "",
     "account/security",
     kApi,
     1.5},
    {"sign-in-code", "security", "${code} is your sign-in code", "", "help/codes", kApi, 11},
    {"new-device", "security", "New sign-in from ${city}", "", "account/devices", kApi, 4},
    {"verify-address",
     "security",
     "Please confirm your address, ${first}",
     "",
     "welcome",
     kNode,
     5},
    {"order-confirmed", "orders", "Your order ${order} is confirmed", "", "orders", kJava, 9},
    {"order-shipped", "orders", "Your order ${order} is on its way", "", "orders/track", kJava, 7},
    {"order-delivered", "orders", "Delivered: your order ${order}", "", "orders", kJava, 5},
    {"order-delayed",
     "orders",
     "Order ${order} will be later than planned",
     "",
     "orders",
     kJava,
     0.6},
    {"order-cancelled", "orders", "We have cancelled order ${order}", "", "orders", kJava, 0.5},
    {"return-received",
     "orders",
     "We received your return for order ${order}",
     "",
     "returns",
     kJava,
     0.8},
    {"refund", "billing", "Your refund of ${amount} is under way", "", "billing", kJava, 1},
    {"invoice", "billing", "Invoice ${order} over ${amount}", "", "billing/invoices", kJava, 5},
    {"receipt",
     "billing",
     "Receipt for your payment of ${amount}",
     "",
     "billing/receipts",
     kJava,
     4},
    {"payment-failed",
     "billing",
     "Your payment of ${amount} did not go through",
     "",
     "billing",
     kNode,
     1},
    {"card-expiring",
     "billing",
     "Your card ends in ${weekday}'s batch of renewals",
     "",
     "billing/cards",
     kNode,
     0.4},
    {"trial-ending", "billing", "${first}, your trial ends on ${weekday}", "", "plans", kNode, 0.9},
    {"welcome", "lifecycle", "Welcome aboard, ${first}!", "", "welcome", kNode, 2.5},
    {"getting-started",
     "lifecycle",
     "${first}, three things to try first",
     "",
     "guide",
     kNode,
     1.6},
    {"inactive", "lifecycle", "We have not seen you for a while, ${first}", "", "home", kNode, 1.2},
    {"storage-warning", "lifecycle", "Your mailbox is almost full", "", "storage", kNode, 0.4},
    {"weekly-report", "reports", "Your week: ${order} views from ${city}", "", "reports", kNode, 3},
    {"daily-digest", "reports", "Your digest for ${weekday}", "", "digest", kNode, 6},
    {"monthly-statement", "reports", "Your statement is ready", "", "statements", kJava, 1.4},
    {"newsletter", "marketing", "What is new at the ${product} desk", "", "news", kNode, 7},
    {"sale",
     "marketing",
     "${first}, 20% off every ${product} until ${weekday}",
     "",
     "sale",
     kNode,
     5},
    {"abandoned-cart", "marketing", "Still thinking about the ${product}?", "", "cart", kNode, 2.4},
    {"back-in-stock", "marketing", "The ${product} is back in stock", "", "shop", kNode, 1.3},
    {"survey", "marketing", "How was your ${product}, ${first}?", "", "survey", kNode, 1.5},
    {"event-invitation",
     "marketing",
     "You are invited: ${city} on ${weekday}",
     "",
     "events",
     kNode,
     0.9},
    {"comment", "social", "${first} commented on your post", "", "posts", kNode, 3},
    {"mention", "social", "${first} mentioned you in ${city} meetup", "", "posts", kNode, 2},
    {"follower", "social", "${first} now follows you", "", "people", kNode, 1.8},
    {"bestellung",
     "orders",
     "Best\u00e4tigung Ihrer Bestellung ${order}",
     "=?utf-8?Q?Best=C3=A4tigung_Ihrer_Bestellung_${order}?=",
     "bestellungen",
     kJava,
     1.6},
    {"rechnung",
     "billing",
     "Ihre Rechnung ${order} \u00fcber ${amount}",
     "=?utf-8?Q?Ihre_Rechnung_${order}_=C3=BCber_${amount}?=",
     "rechnungen",
     kJava,
     1},
    {"reservation",
     "orders",
     "Votre r\u00e9servation \u00e0 ${city}",
     "=?utf-8?Q?Votre_r=C3=A9servation_=C3=A0_${city}?=",
     "reservations",
     kJava,
     0.7},
}};

constexpr std::array<std::string_view, 40> kFirstNames = {
    "Anna",   "Ben",    "Clara", "David", "Emma",   "Felix", "Greta",  "Hugo",  "Ida",   "Jonas",
    "Kate",   "Liam",   "Mia",   "Noah",  "Olivia", "Paul",  "Rosa",   "Sam",   "Tina",  "Vera",
    "Will",   "Xenia",  "Yara",  "Zoe",   "Alex",   "Bella", "Carlos", "Diana", "Elias", "Fiona",
    "George", "Hannah", "Ivan",  "Julia", "Karim",  "Laura", "Marco",  "Nina",  "Omar",  "Petra"};
constexpr std::array<std::string_view, 20> kCities = {
    "Berlin",  "Paris",   "London", "Madrid", "Vienna", "Oslo",   "Lisbon",
    "Dublin",  "Prague",  "Rome",   "Boston", "Austin", "Denver", "Seattle",
    "Chicago", "Toronto", "Sydney", "Tokyo",  "Seoul",  "Mumbai"};
constexpr std::array<std::string_view, 16> kProducts = {"kettle",
                                                        "backpack",
                                                        "headphones",
                                                        "lamp",
                                                        "notebook",
                                                        "jacket",
                                                        "bicycle",
                                                        "keyboard",
                                                        "blender",
                                                        "tent",
                                                        "watch",
                                                        "camera",
                                                        "mattress",
                                                        "guitar",
                                                        "printer",
                                                        "heater"};
constexpr std::array<std::string_view, 7> kWeekdays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string FromAddress(const Tenant& tenant, const Template& what) {
  return fmt::format(
      "{}@mail.{}", what.category == "marketing" ? "news" : "no-reply", tenant.domain);
}

std::string From(const Tenant& tenant, const Template& what) {
  std::string shown = tenant.name;
  shown[0] = static_cast<char>(shown[0] - 'a' + 'A');
  return fmt::format("{} {} <{}>",
                     shown,
                     what.category == "security" ? "Accounts" : "Team",
                     FromAddress(tenant, what));
}

bool IsBulk(const Template& what) {
  return what.category == "marketing" || what.category == "reports" || what.category == "social" ||
         what.category == "lifecycle";
}

Headers HeadersOf(const Tenant& tenant, const Template& what) {
  Headers headers;
  const auto add = [&](std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
  };
  if (what.mailer == kJava) add("Date", "${mail_date}");
  add("From", From(tenant, what));
  if (what.category != "security") add("Reply-To", "support@" + tenant.domain);
  add("To", "${to}");
  if (what.mailer == kJava) add("Message-ID", "<${header_id}>");
  add("Subject", "${raw_subject}");
  add("MIME-Version", "1.0");
  switch (what.mailer) {
    case kApi:
      add("Content-Type", R"(multipart/alternative;  boundary=\"----=_Part_${boundary}\")");
      break;
    case kJava:
      add("Content-Type", R"(multipart/mixed; boundary=\"----=_Part_${boundary}\")");
      add("X-Mailer", "JavaMail 2.0.1 (" + tenant.name + ")");
      add("X-Entity-Ref-ID", "${entity_id}");
      break;
    case kNode:
      add("Message-ID", "<${header_id}>");
      add("Content-Type", R"(multipart/alternative; boundary=\"--_NmP-${boundary}-Part_1\")");
      break;
  }
  if (IsBulk(what)) {
    add("List-Unsubscribe",
        fmt::format("<https://www.{0}/unsubscribe/{1}/${{contact}}>, "
                    "<mailto:leave+${{contact}}@{0}>",
                    tenant.domain,
                    what.name));
    add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    add("Feedback-ID", fmt::format("{}:{}:{}:ses", what.name, what.category, tenant.name));
  }
  if (what.mailer == kApi) return headers;  // set and tags are parameters of the call
  add("X-SES-CONFIGURATION-SET", ConfigurationSet(tenant, what));
  add("X-SES-MESSAGE-TAGS", fmt::format("tenant={}, template={}", tenant.name, what.name));
  return headers;
}

std::string CustomTags(const Tenant& tenant, const Template& what) {
  return fmt::format(R"("tenant":["{}"],"template":["{}"])", tenant.name, what.name);
}

}  // namespace

const std::array<Tenant, kTenants>& Tenants() {
  static const auto tenants = [] {
    std::array<Tenant, kTenants> all;
    for (std::size_t i = 0; i < kTenants; ++i) {
      all[i].name = kTenantNames[i];
      all[i].domain = all[i].name + ".example";
      all[i].region = i % 3 == 1 ? "eu-west-1" : "us-east-1";
      all[i].account = i % 3 == 1 ? "210987654321" : "123456789012";
      all[i].weight = 1 / std::pow(static_cast<double>(i + 1), 0.8);
    }
    return all;
  }();
  return tenants;
}

const std::array<Template, kTemplates>& Templates() { return kAllTemplates; }

std::string SourceIp(std::size_t index) { return fmt::format("203.0.113.{}", 10 + 7 * index); }

std::string ConfigurationSet(const Tenant& tenant, const Template& what) {
  return fmt::format("{}-{}", tenant.name, what.category);
}

std::string MailPattern(const Tenant& tenant, const Template& what, MailForm form) {
  std::string out = fmt::format(
      R"({{"timestamp":"${{mail_time}}","source":"{}","sourceArn":)"
      R"("arn:aws:ses:{}:{}:identity/mail.{}","sendingAccountId":"{}","messageId":"${{message_id}}",)"
      R"("destination":[${{destination}}],"headersTruncated":false,)",
      From(tenant, what),
      tenant.region,
      tenant.account,
      tenant.domain,
      tenant.account);
  if (form == MailForm::kNotRendered) {
    return out + fmt::format(R"("tags":{{"ses:configuration-set":["{}"],{}}}}})",
                             ConfigurationSet(tenant, what),
                             CustomTags(tenant, what));
  }
  out += R"("headers":[)";
  for (const auto& [name, value] : HeadersOf(tenant, what)) {
    if (out.back() != '[') out += ',';
    out += fmt::format(R"({{"name":"{}","value":"{}"}})", name, value);
  }
  out += fmt::format(R"(],"commonHeaders":{{"from":["{}"],)", From(tenant, what));
  if (what.category != "security")
    out += fmt::format(R"("replyTo":["support@{}"],)", tenant.domain);
  if (what.mailer == kJava) out += R"("date":"${mail_date}",)";
  out += R"("to":[${destination}],"messageId":"${message_id}","subject":"${subject}"},"tags":{)";
  out += fmt::format(R"("ses:source-tls-version":["TLSv1.3"],"ses:operation":["{}"],)"
                     R"("ses:configuration-set":["{}"],"ses:source-ip":["${{source_ip}}"],)"
                     R"("ses:from-domain":["mail.{}"],"ses:caller-identity":["{}-mailer"],{})",
                     what.mailer == kApi ? "SendEmail" : "SendRawEmail",
                     ConfigurationSet(tenant, what),
                     tenant.domain,
                     tenant.name,
                     CustomTags(tenant, what));
  if (form == MailForm::kConnected) out += R"(,"ses:outgoing-ip":["${outgoing_ip}"])";
  return out + "}}";
}

std::string EmailPattern(const Tenant& tenant, const Template& what, MailForm form) {
  std::string out = R"("local_id":"${message_id}",)";
  const bool rendered = form != MailForm::kNotRendered;
  if (rendered && what.mailer != kApi) out += R"("message_id":"${header_id}",)";
  out += R"("origination_timestamp":"${mail_time}",)";
  if (rendered) out += R"("subject":"${subject}",)";
  return out + fmt::format(R"("from":{{"address":"{}"}},"stream":"{}","tags":{{{}}})",
                           FromAddress(tenant, what),
                           ConfigurationSet(tenant, what),
                           CustomTags(tenant, what));
}

std::string EmailHeadersPattern(const Tenant& tenant, const Template& what, MailForm form) {
  if (form == MailForm::kNotRendered) return {};
  std::string out = R"(,"headers":{)";
  for (const auto& [name, value] : HeadersOf(tenant, what)) {
    if (out.back() != '{') out += ',';
    out += fmt::format(R"("{}":"{}")", name, value);
  }
  return out + '}';
}

void AppendSubject(const Template& what, Draws draws, std::string& subject, std::string& raw) {
  const std::uint64_t seed = draws.Next();
  const auto fill = [&](std::string_view pattern, std::string& out) {
    Draws values(seed);
    while (!pattern.empty()) {
      const std::size_t at = pattern.find("${");
      out += pattern.substr(0, at);
      if (at == std::string_view::npos) return;
      switch (pattern[at + 2] == 'c' ? pattern[at + 3] : pattern[at + 2]) {
        case 'f':  // first
          out += kFirstNames[values.Below(kFirstNames.size())];
          break;
        case 'o':
          if (pattern[at + 2] == 'c') {  // code
            values.AppendDigits(out, 6);
          } else {  // order
            AppendNumber(out, static_cast<std::int64_t>(100'000 + values.Below(900'000)));
          }
          break;
        case 'a':  // amount
          AppendNumber(out, static_cast<std::int64_t>(3 + values.Below(400)));
          out += values.Chance(0.5) ? ".90 EUR" : ".00 EUR";
          break;
        case 'i':  // city
          out += kCities[values.Below(kCities.size())];
          break;
        case 'p':  // product
          out += kProducts[values.Below(kProducts.size())];
          break;
        default:  // weekday
          out += kWeekdays[values.Below(kWeekdays.size())];
          break;
      }
      pattern.remove_prefix(pattern.find('}', at) + 1);
    }
  };
  fill(what.subject, subject);
  if (what.raw_subject.empty()) {
    raw += subject;
  } else {
    const std::size_t begin = raw.size();
    fill(what.raw_subject, raw);
    // RFC 2047: a blank inside an encoded word is written '_'.
    std::replace(raw.begin() + static_cast<std::ptrdiff_t>(begin), raw.end(), ' ', '_');
  }
}

}  // namespace postglass::bench
