#include "query/recipient_view.h"

#include <algorithm>
#include <vector>

#include "base/encoding.h"
#include "query/object_writer.h"
#include "query/output.h"

namespace postglass::query {
namespace {

using Fact = RecipientView::Fact;

void TakeNewest(std::optional<Fact>& slot,
                const std::optional<Timestamp>& at,
                const MailView& mail,
                std::string_view words) {
  if (!at || (slot && slot->at >= *at)) return;
  slot = Fact{*at, mail.message_id, mail.bounce_class, std::string(words)};
}

std::string AcceptanceWords(const MailView& mail) {
  for (const MailAttempt& attempt : mail.attempts) {
    if (attempt.outcome == MailAttempt::Outcome::kAccepted) return attempt.server_words;
  }
  return {};
}

void AppendFact(std::string& out, const Fact& fact) {
  ObjectWriter object(out);
  object.Time("timestamp", fact.at);
  object.Text("message_id", fact.message_id);
  object.TextIfAny("bounce_class", fact.bounce_class);
  object.TextIfAny("server_words", fact.server_words);
  object.Close();
}

}  // namespace

RecipientView ViewRecipient(const Answer& answer) {
  RecipientView view;
  view.domain = AsciiLower(DomainOf(answer.asked));
  std::vector<std::int64_t> acceptances;
  for (const MailView& mail : answer.mails) {
    ++view.states[mail.state];
    TakeNewest(view.last_accepted, mail.accepted_at, mail, AcceptanceWords(mail));
    TakeNewest(view.last_complaint, mail.complained_at, mail, "");
    if (mail.state == MailState::kSuppressed) {
      TakeNewest(view.suppressed, mail.refused_at, mail, mail.server_words);
    } else {
      TakeNewest(view.last_refused, mail.refused_at, mail, mail.server_words);
    }
    if (mail.acceptance_ms) acceptances.push_back(*mail.acceptance_ms);
  }
  if (view.suppressed && view.last_accepted && view.last_accepted->at > view.suppressed->at) {
    view.suppressed.reset();
  }
  if (!acceptances.empty()) {
    const auto middle =
        acceptances.begin() + static_cast<std::ptrdiff_t>((acceptances.size() - 1) / 2);
    std::nth_element(acceptances.begin(), middle, acceptances.end());
    view.acceptance_ms = *middle;
  }
  return view;
}

std::string RecipientJson(const Answer& answer, const RecipientView& view) {
  std::string out;
  ObjectWriter object(out);
  object.Text("address", answer.asked);
  object.Text("domain", view.domain);
  object.Bool("found", !answer.mails.empty());
  object.Text("summary", answer.summary);
  object.Number("mails_count", answer.mails_count);
  {
    ObjectWriter states(object.Key("states"));
    for (const auto& [state, count] : view.states) states.Number(MailStateName(state), count);
    states.Close();
  }
  const auto fact = [&object](std::string_view name, const std::optional<Fact>& of) {
    if (of) AppendFact(object.Key(name), *of);
  };
  fact("last_accepted", view.last_accepted);
  fact("last_refused", view.last_refused);
  fact("last_complaint", view.last_complaint);
  fact("suppressed", view.suppressed);
  if (view.acceptance_ms) object.Number("acceptance_ms", *view.acceptance_ms);
  object.List("mails", answer.mails, [](std::string& to, const MailView& mail) {
    to += MailViewJson(mail);
  });
  object.Bool("incomplete", answer.incomplete || answer.mails_count > answer.mails.size());
  object.Texts("damage", answer.damage);
  object.Close();
  return out;
}

}  // namespace postglass::query
