#include "store/embedded/exec/damage_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace postglass::store {

namespace {

constexpr std::size_t kSentencesMax = 20;

}  // namespace

void DamageList::Add(const std::string& name, const Error& error) {
  if (std::find(names_.begin(), names_.end(), name) != names_.end()) return;
  names_.push_back(name);
  if (sentences_.size() < kSentencesMax) {
    sentences_.push_back(fmt::format("{} could not be read: {}", name, error.message));
  }
}

std::vector<std::string> DamageList::Take() {
  if (names_.size() > sentences_.size()) {
    sentences_.push_back(fmt::format("and {} more", names_.size() - sentences_.size()));
  }
  return std::move(sentences_);
}

}  // namespace postglass::store
