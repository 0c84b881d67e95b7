#include "main/stored_mail_lookup.h"

#include "base/json.h"

namespace postglass {
namespace {

class FirstRow final : public store::Sink {
 public:
  void Rows(std::span<const store::Event> rows) override {
    if (!row && !rows.empty()) row = rows.front();
  }

  std::optional<store::Event> row;
};

store::Predicate Equals(std::string path, std::string value) {
  return {store::TermMatch{{store::Field::Kind::kAttribute, std::move(path)},
                           std::move(value),
                           /*quoted=*/true,
                           /*ignore_case=*/false}};
}

}  // namespace

std::optional<mail::EventSubject> StoredMailLookup::Find(const std::string& message_id) {
  store::Plan plan;
  plan.where = {store::And{{Equals("mail.messageId", message_id), Equals("eventType", "Send")}}};
  plan.rows = store::RowsRequest{store::Order::kNewestFirst, 1, std::nullopt};
  FirstRow sink;
  if (!store_.Run(plan, sink) || !sink.row) return std::nullopt;
  const auto attributes = json::ParseObject(sink.row->attributes);
  if (!attributes) return std::nullopt;
  const json::object* mail = json::GetObject(*attributes, "mail");
  if (mail == nullptr) return std::nullopt;
  mail::EventSubject subject;
  subject.message_id = message_id;
  if (const json::value* set = json::FindPath(*mail, "tags.ses:configuration-set.0")) {
    if (set->is_string()) subject.configuration_set = std::string(set->get_string());
  }
  subject.mail_object = json::Serialize(*mail);
  return subject;
}

}  // namespace postglass
