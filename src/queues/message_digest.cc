#include "queues/message_digest.h"

#include "base/encoding.h"
#include "base/md5.h"

namespace postglass::queues {
namespace {

void AppendSized(std::string& out, std::string_view text) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>(text.size() >> shift & 0xFF);
  out += text;
}

}  // namespace

std::string BodyDigest(std::string_view body) { return HexEncode(Md5(body)); }

std::string AttributesDigest(const std::vector<MessageAttribute>& attributes) {
  std::string text;
  for (const MessageAttribute& attribute : attributes) {
    AppendSized(text, attribute.name);
    AppendSized(text, attribute.type);
    text += attribute.binary() ? '\x02' : '\x01';
    AppendSized(text, attribute.value);
  }
  return HexEncode(Md5(text));
}

}  // namespace postglass::queues
