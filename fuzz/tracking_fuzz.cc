#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "mail/header_block.h"
#include "mail/tracking/link_rewriter.h"
#include "mail/tracking/links.h"

// Any message is rewritten without harm, what was rewritten is valid, and any target is read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  const std::string id = "0100018c8f6c3d2e-123e4567-e89b-42d3-a456-426614174000-000000";
  const mail::TrackingUrls urls(std::string("key"));
  const std::string text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(urls.Read(text));

  const mail::LinkRewriter rewriter(urls, [] { return std::string("https://t.example"); });
  mail::TrackingRewriter::Wanted wanted;
  wanted.opens = true;
  wanted.clicks = true;
  const std::string raw = mail::NormalizeLineEnds(text);
  for (const std::string& link : mail::FindTrackedLinks(rewriter.Rewrite(raw, id, wanted)).links) {
    // Links of the input itself may look like ours; those that are ours verify.
    if (link.find(id) == std::string::npos || raw.find(id) != std::string::npos) continue;
    CHECK(urls.Read(link.substr(std::string_view("https://t.example").size())));
  }
  return 0;
}
