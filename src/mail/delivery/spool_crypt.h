#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret_box.h"
#include "mail/delivery/spool_record.h"

// Sealing of the spool's records: nothing of a mail lies in the clear on disk.

namespace postglass::mail {

std::string SealSpoolRecord(const SecretBox& box, std::string_view encoded);
// kCorruption: another key, or not a record of the spool; kUnsupported: a newer version's.
Result<SpoolRecord> OpenSpoolRecord(const SecretBox& box, std::string_view sealed);

}  // namespace postglass::mail
