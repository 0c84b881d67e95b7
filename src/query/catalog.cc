#include "query/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace postglass::query {

Result<std::unique_ptr<Catalog>> Catalog::Load(Settings& settings, Random& random, Kind kind) {
  std::unique_ptr<Catalog> catalog(new Catalog(settings, random, std::move(kind)));
  const Kind& of = catalog->kind_;
  ASSIGN_OR_RETURN(const std::vector<Settings::Document> documents,
                   settings.List(of.settings_kind));
  MutexLock lock(catalog->mutex_);
  for (const Settings::Document& document : documents) {
    const Result<json::object> parsed = json::ParseObject(document.json);
    Result<json::object> checked = parsed ? of.check(*parsed) : Fail(parsed.error());
    if (!checked) {
      log::Error("query",
                 "{} {} cannot be read and is left out: {}",
                 of.noun,
                 document.key,
                 checked.error().message);
      continue;
    }
    catalog->stored_.insert_or_assign(document.key, std::move(*checked));
  }
  return catalog;
}

const Catalog::BuiltIn* Catalog::FindBuiltIn(std::string_view id) const {
  const auto it = std::find_if(kind_.built_in.begin(),
                               kind_.built_in.end(),
                               [id](const BuiltIn& built_in) { return built_in.id == id; });
  return it == kind_.built_in.end() ? nullptr : &*it;
}

std::optional<json::object> Catalog::Find(std::string_view id) const {
  {
    MutexLock lock(mutex_);
    if (const auto it = stored_.find(id); it != stored_.end()) return it->second;
  }
  const BuiltIn* built_in = FindBuiltIn(id);
  return built_in == nullptr ? std::nullopt : std::optional(built_in->document);
}

json::object Catalog::Shown(std::string_view id, json::object document) const {
  const BuiltIn* built_in = FindBuiltIn(id);
  json::object shown{{"id", id}};
  for (auto& member : document) shown.emplace(member.key(), std::move(member.value()));
  shown["built_in"] = built_in != nullptr;
  if (built_in != nullptr) {
    MutexLock lock(mutex_);
    shown["changed"] = stored_.find(id) != stored_.end();
  }
  return shown;
}

json::array Catalog::List() const {
  json::array list;
  for (const BuiltIn& built_in : kind_.built_in) {
    list.push_back(Shown(built_in.id, *Find(built_in.id)));
  }
  std::map<std::string, json::object, std::less<>> stored;
  {
    MutexLock lock(mutex_);
    stored = stored_;
  }
  for (auto& [id, document] : stored) {
    if (FindBuiltIn(id) == nullptr) list.push_back(Shown(id, std::move(document)));
  }
  return list;
}

Result<json::object> Catalog::Get(std::string_view id) const {
  std::optional<json::object> document = Find(id);
  if (!document) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no {} \"{}\"", kind_.noun, id));
  }
  return Shown(id, std::move(*document));
}

Status Catalog::CheckUnique(std::string_view id, const json::object& document) const {
  const std::string wanted = json::GetStringOr(document, kind_.unique_member, "");
  for (const json::value& other : List()) {
    const json::object& object = other.get_object();
    if (json::GetStringOr(object, "id", "") == id) continue;
    if (json::GetStringOr(object, kind_.unique_member, "") != wanted) continue;
    return Fail(ErrorCode::kAlreadyExists,
                fmt::format("{} \"{}\" has the {} \"{}\" already",
                            kind_.noun,
                            json::GetStringOr(object, "id", ""),
                            kind_.unique_member,
                            wanted));
  }
  return {};
}

Result<json::object> Catalog::Store(std::string id, json::object document) {
  RETURN_IF_ERROR(CheckUnique(id, document));
  RETURN_IF_ERROR(settings_.Put(kind_.settings_kind, id, json::Serialize(document)));
  {
    MutexLock lock(mutex_);
    stored_.insert_or_assign(id, document);
  }
  return Shown(id, std::move(document));
}

Result<json::object> Catalog::Create(const json::object& input) {
  ASSIGN_OR_RETURN(json::object document, kind_.check(input));
  MutexLock writing(writing_);
  {
    MutexLock lock(mutex_);
    if (stored_.size() >= kind_.documents_max) {
      return Fail(ErrorCode::kLimit,
                  fmt::format("there are {} of them already", kind_.documents_max));
    }
  }
  return Store(random_.Hex(5), std::move(document));
}

Result<json::object> Catalog::Replace(std::string_view id, const json::object& input) {
  ASSIGN_OR_RETURN(json::object document, kind_.check(input));
  MutexLock writing(writing_);
  if (!Find(id)) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no {} \"{}\"", kind_.noun, id));
  }
  return Store(std::string(id), std::move(document));
}

Status Catalog::Remove(std::string_view id) {
  MutexLock writing(writing_);
  bool stored = false;
  {
    MutexLock lock(mutex_);
    stored = stored_.find(id) != stored_.end();
  }
  const BuiltIn* built_in = FindBuiltIn(id);
  if (!stored && built_in == nullptr) {
    return Fail(ErrorCode::kNotFound, fmt::format("there is no {} \"{}\"", kind_.noun, id));
  }
  if (!stored) {
    return Fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "{} \"{}\" is built in and as it was; it can be hidden instead", kind_.noun, id));
  }
  // The built-in form comes back, and somebody may have taken its place meanwhile.
  if (built_in != nullptr) RETURN_IF_ERROR(CheckUnique(id, built_in->document));
  RETURN_IF_ERROR(settings_.Remove(kind_.settings_kind, id));
  MutexLock lock(mutex_);
  stored_.erase(stored_.find(id));
  return {};
}

}  // namespace postglass::query
