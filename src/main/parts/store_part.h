#pragma once

#include <memory>

#include "main/parts/part_context.h"
#include "query/aggregate.h"
#include "query/answer.h"
#include "query/catalog.h"
#include "query/counts.h"
#include "query/domain_report.h"
#include "query/explore.h"
#include "query/log_list.h"
#include "query/search.h"
#include "query/transactions.h"
#include "store/embedded/embedded_store.h"

namespace postglass {

// The stored events and all that is asked of them.
struct StorePart {
  static Result<std::unique_ptr<StorePart>> Make(PartContext& context);

  std::unique_ptr<store::EmbeddedStore> store;
  std::unique_ptr<query::QueryRunner> runner;
  std::unique_ptr<query::SearchService> search;
  std::unique_ptr<query::AnswerService> answers;
  std::unique_ptr<query::DomainReports> domains;
  std::unique_ptr<query::CountService> counts;
  std::unique_ptr<query::LogListService> log_list;
  std::unique_ptr<query::TimeZones> zones;
  std::unique_ptr<query::AggregateService> aggregates;
  std::unique_ptr<query::ExploreService> explorer;
  std::unique_ptr<query::TransactionsService> transactions;
  std::unique_ptr<query::Catalog> facets;
  std::unique_ptr<query::Catalog> views;
};

}  // namespace postglass
