#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace postglass::store {

// What could not be read, as sentences for the report: each table once, and not too many.
class DamageList {
 public:
  void Add(const std::string& name, const Error& error);
  std::vector<std::string> Take();

 private:
  std::vector<std::string> names_;
  std::vector<std::string> sentences_;
};

}  // namespace postglass::store
