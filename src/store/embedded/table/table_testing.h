#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/embedded/table/table_builder.h"

// Looking at tables as a whole, for tests of everything that makes them.

namespace postglass::store {

std::shared_ptr<const MemoryTable> BuildTable(TableBuilder& builder,
                                              const std::vector<Event>& events);
void SortEvents(std::vector<Event>& events);  // in the order of a table's rows
std::vector<Event> AllRows(const Table& table);

// A value as a line, for comparing.
std::string DescribeValue(std::string_view path,
                          std::string_view text,
                          std::optional<double> number);
// By row, the values of its attribute columns, sorted.
std::vector<std::vector<std::string>> ValuesByTable(const Table& table);

// Expects what the contract says of every table: order, sizes, no value and no shape without a row.
void CheckTable(const Table& table);

}  // namespace postglass::store
