// Events through the built-in pipeline, in the three nestings; and the texts that it takes apart.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "pipelines/bounce_class.h"
#include "pipelines/date.h"
#include "pipelines/engine.h"
#include "pipelines/masking.h"
#include "pipelines/ses_pipeline.h"
#include "pipelines/smtp_reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace postglass;
  static const pipelines::Engine kEngine({pipelines::MakeSesPipeline()});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const pipelines::SmtpReplyParts parts = pipelines::ParseSmtpReply(text);
  pipelines::ClassifyBounce({{}, parts.code, parts.enhanced, parts.text});
  pipelines::ParseLogDate(json::value(text), Timestamp{});

  pipelines::Log as_message;
  as_message.source = "ses";
  as_message.message = text;
  kEngine.Process(as_message, Timestamp{});
  pipelines::MaskSecrets(as_message);

  pipelines::Log as_record;
  as_record.source = "sns";
  as_record.attributes["Sns"] = json::object{{"Message", text}, {"MessageId", "m"}};
  kEngine.Process(as_record, Timestamp{});
  json::Serialize(as_record.attributes);
  return 0;
}
