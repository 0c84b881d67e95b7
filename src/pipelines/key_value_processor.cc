#include "pipelines/key_value_processor.h"

#include "pipelines/tree.h"

namespace postglass::pipelines {
namespace {

void Collect(json::object& target, std::string_view key, const json::value& v) {
  json::value* there = target.if_contains(key);
  if (there == nullptr) {
    target.emplace(key, v);
  } else if (there->is_array()) {
    there->get_array().push_back(v);
  } else {
    json::array both(target.storage());
    both.push_back(*there);
    both.push_back(v);
    *there = std::move(both);
  }
}

}  // namespace

Status KeyValueProcessor::Process(Log& log, Context&) const {
  const json::value* source = json::FindPath(log.attributes, options_.source);
  if (source == nullptr || !source->is_array()) return {};
  json::object built(log.attributes.storage());
  for (const json::value& element : source->get_array()) {
    if (!element.is_object()) continue;
    const auto key = json::GetString(element.get_object(), options_.key_to_extract);
    const json::value* v = element.get_object().if_contains(options_.value_to_extract);
    if (!key || key->empty() || v == nullptr) continue;
    if (options_.duplicates == Duplicates::kCollect) {
      Collect(built, *key, *v);
    } else if (!built.contains(*key)) {
      built.emplace(*key, *v);
    }
  }
  if (built.empty()) return {};

  json::object* target = &log.attributes;
  if (!options_.target.empty()) {
    const json::value* there = json::FindPath(log.attributes, options_.target);
    if (there == nullptr || !there->is_object()) {
      if (there != nullptr && !options_.override_on_conflict) return {};
      SetPath(log.attributes, options_.target, std::move(built));
      return {};
    }
    // FindPath reads; the tree itself is ours to write.
    target = &const_cast<json::object&>(there->get_object());
  }
  for (auto& member : built) {
    if (options_.override_on_conflict) {
      target->insert_or_assign(member.key(), std::move(member.value()));
    } else if (!target->contains(member.key())) {
      target->emplace(member.key(), std::move(member.value()));
    }
  }
  return {};
}

}  // namespace postglass::pipelines
