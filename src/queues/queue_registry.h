#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/service.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/settings.h"
#include "queues/types.h"

namespace postglass::queues {

// Whether SQS has an attribute of this name that a caller may set. kInvalidArgument names the
// attribute and what is wrong with the value.
bool IsSettable(std::string_view attribute);
Status CheckAttribute(const std::string& name, const std::string& value);

// All queues, in memory, written through to Settings (kind "queue", key: name). Reading never
// touches the disk. Thread-safe; whoever reads to change and writes back holds change_mutex()
// meanwhile.
class QueueRegistry {
 public:
  // `settings` must outlive it. Documents that do not parse are left out and logged.
  static Result<std::unique_ptr<QueueRegistry>> Load(Settings& settings, aws::Account account);

  std::shared_ptr<const Queue> Find(std::string_view name) const;
  std::shared_ptr<const Queue> FindByArn(std::string_view arn) const;
  // Up to `count_max`, by name, behind `after`.
  std::vector<std::shared_ptr<const Queue>> List(std::string_view prefix,
                                                 std::string_view after,
                                                 std::size_t count_max) const;
  // Those whose redrive policy names this ARN, by name.
  std::vector<std::shared_ptr<const Queue>> SourcesOf(std::string_view dead_letter_arn) const;

  // Parses the policies of `queue`. Errors: those of Settings::Apply; kLimit.
  Status Put(Queue queue);
  Status Remove(std::string_view name);

  std::string ArnOf(std::string_view name) const;

  const aws::Account& account() const { return account_; }

  Mutex& change_mutex() { return change_mutex_; }

 private:
  QueueRegistry(Settings& settings, aws::Account account)
      : settings_(settings), account_(std::move(account)) {}

  Settings& settings_;
  const aws::Account account_;
  Mutex change_mutex_;
  mutable Mutex mutex_;
  std::map<std::string, std::shared_ptr<const Queue>, std::less<>> queues_ GUARDED_BY(mutex_);
};

}  // namespace postglass::queues
