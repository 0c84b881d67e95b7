#include "api/readable_mail.h"

#include <gmime/gmime.h>

#include <memory>
#include <mutex>

#include "base/encoding.h"

namespace postglass::api {
namespace {

constexpr int kPartsMax = 500;

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};

template <class T>
using Ref = std::unique_ptr<T, Unref>;

struct Free {
  void operator()(char* text) const { g_free(text); }
};

struct Walk {
  ReadableMail mail;
  int parts = 0;
};

void Visit(GMimeObject*, GMimeObject* part, gpointer data) {
  Walk& walk = *static_cast<Walk*>(data);
  if (++walk.parts > kPartsMax || !GMIME_IS_TEXT_PART(part)) return;
  GMimeContentType* type = g_mime_object_get_content_type(part);
  const bool html = g_mime_content_type_is_type(type, "text", "html") != FALSE;
  const bool plain = g_mime_content_type_is_type(type, "text", "plain") != FALSE;
  std::string& target = html ? walk.mail.html : walk.mail.text;
  if ((!html && !plain) || !target.empty()) return;
  const std::unique_ptr<char, Free> text(g_mime_text_part_get_text(GMIME_TEXT_PART(part)));
  if (text) target = ToValidUtf8(text.get());
}

}  // namespace

ReadableMail ReadMail(std::string_view raw) {
  static std::once_flag initialised;
  std::call_once(initialised, [] { g_mime_init(); });
  const Ref<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(raw.data(), raw.size()));
  const Ref<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const Ref<GMimeMessage> message(g_mime_parser_construct_message(parser.get(), nullptr));
  Walk walk;
  if (!message) return walk.mail;
  GMimeHeaderList* headers = g_mime_object_get_header_list(GMIME_OBJECT(message.get()));
  const int count = g_mime_header_list_get_count(headers);
  for (int i = 0; i < count && i < kPartsMax; ++i) {
    GMimeHeader* header = g_mime_header_list_get_header_at(headers, i);
    const char* value = g_mime_header_get_value(header);
    walk.mail.headers.emplace_back(ToValidUtf8(g_mime_header_get_name(header)),
                                   ToValidUtf8(value == nullptr ? "" : value));
  }
  g_mime_message_foreach(message.get(), Visit, &walk);
  return walk.mail;
}

}  // namespace postglass::api
