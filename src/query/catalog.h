#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/mutex.h"
#include "base/random.h"
#include "base/result.h"
#include "base/settings.h"

namespace postglass::query {

// Documents that people add, change and remove, some of them built in: facets, saved views. Each is
// a settings document; all are kept in memory. Thread-safe; writing blocks on the disk.
//
// A built-in document can be changed; removing it then brings the built-in form back. What comes
// out has the members `id`, `built_in` and `changed` (a built-in one that is not as built in)
// besides.
class Catalog {
 public:
  // The document as it is kept, from what a caller sent: all members there, nothing else. It must
  // take its own result and ignore the three members above. kInvalidArgument says what is wrong.
  using Check = std::function<Result<json::object>(const json::object& input)>;

  struct BuiltIn {
    std::string id;
    json::object document;  // passes the check
  };

  struct Kind {
    std::string settings_kind;
    std::string noun;           // "facet", for messages
    std::string unique_member;  // no two documents have the same text there
    std::size_t documents_max = 1'000;
    std::vector<BuiltIn> built_in;  // listed first, in this order
    Check check;
  };

  // `settings` and `random` must outlive it. A stored document that the check refuses is logged and
  // left out.
  static Result<std::unique_ptr<Catalog>> Load(Settings& settings, Random& random, Kind kind);

  json::array List() const;
  Result<json::object> Get(std::string_view id) const;  // kNotFound
  // Errors: kInvalidArgument; kAlreadyExists (the unique member); kLimit; those of Settings::Apply.
  Result<json::object> Create(const json::object& input);
  Result<json::object> Replace(std::string_view id, const json::object& input);  // and kNotFound
  // kNotFound; kInvalidArgument for a built-in document that is as it was.
  Status Remove(std::string_view id);

 private:
  Catalog(Settings& settings, Random& random, Kind kind)
      : settings_(settings), random_(random), kind_(std::move(kind)) {}

  const BuiltIn* FindBuiltIn(std::string_view id) const;
  std::optional<json::object> Find(std::string_view id) const;
  json::object Shown(std::string_view id, json::object document) const;
  // kAlreadyExists when another document than `id` has that text.
  Status CheckUnique(std::string_view id, const json::object& document) const;
  Result<json::object> Store(std::string id, json::object document);

  Settings& settings_;
  Random& random_;
  const Kind kind_;

  Mutex writing_;  // one writer at a time, over its disk access; readers never wait for it
  mutable Mutex mutex_;
  std::map<std::string, json::object, std::less<>> stored_ GUARDED_BY(mutex_);
};

}  // namespace postglass::query
