#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/embedded/segment/buffer.h"
#include "store/embedded/table/table.h"

namespace postglass::store {

// Timestamps, ingest times and ids, packed, each row reachable by itself.
//
// An id is a time (48 bits) and 80 bits that make it unique. Events of one request have ids in a
// row, so the 80 bits are a run and a place in it; where most ids stand alone they are kept whole.
// The time of the id is mostly that of ingest, and that follows from the run as well.
std::string EncodeKeys(const RowKeys& keys, std::uint32_t rows);

// Errors: kCorruption.
Result<std::shared_ptr<const RowKeys>> DecodeKeys(std::shared_ptr<const Buffer> bytes,
                                                  std::uint32_t rows);
std::size_t KeysMemoryBytes(const RowKeys& keys);  // of what DecodeKeys() gives

}  // namespace postglass::store
