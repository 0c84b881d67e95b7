// Bodies of the log intake: whatever comes, the decoder ends within its bounds, and what it took
// can be preprocessed, named, masked and cut.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "intake/body.h"
#include "intake/dedup.h"
#include "intake/preprocess.h"
#include "pipelines/masking.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  auto decoded = intake::DecodeBody(body, {});
  if (!decoded) return 0;
  for (json::object& entry : decoded->logs) {
    pipelines::Log log = intake::Preprocess(std::move(entry), {}, Timestamp{});
    intake::DedupKeyOf(log, intake::Verified::kSharedSecret);
    pipelines::MaskSecrets(log);
  }
  return 0;
}
