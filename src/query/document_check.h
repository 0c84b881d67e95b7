#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace postglass::query {

// Reads the members of a JSON object from outside one by one; the first thing that is wrong is kept
// and given by status(). Not thread-safe.
class DocumentCheck {
 public:
  // Members besides `known` are refused. `object` must outlive it.
  DocumentCheck(const json::object& object, std::initializer_list<std::string_view> known);

  // A text of at most `bytes_max`, without control characters; `fallback` when it is not there.
  std::string Text(std::string_view name, std::size_t bytes_max, std::string_view fallback = "");
  // One of `words`; the first when it is not there.
  std::string Word(std::string_view name, std::span<const std::string_view> words);
  bool Flag(std::string_view name);
  // Texts as Text(); `count_max` at most.
  std::vector<std::string> Texts(std::string_view name,
                                 std::size_t count_max,
                                 std::size_t bytes_max);
  void Refuse(std::string message);

  // kInvalidArgument with the first thing that was wrong.
  const Status& status() const { return status_; }

 private:
  const json::object& object_;
  Status status_;
};

// Whether `path` names a field as the search language writes it in front of a colon:
// "@mail.source", "service", "tags", a tag's key. kInvalidArgument says why not.
Status CheckFieldPath(std::string_view path);

}  // namespace postglass::query
