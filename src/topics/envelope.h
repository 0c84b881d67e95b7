#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "aws/sns_signature.h"
#include "base/mutex.h"
#include "queues/types.h"
#include "topics/types.h"

namespace postglass::topics {

// The URL under which others reach our HTTPS listener, without a slash at the end. Known once it
// listens, so it is asked for each message.
using PublicUrl = std::function<std::string()>;

// What HttpBody() or raw delivery put into a dead-letter queue, as a message again. The id, the
// topic and the time are empty when they cannot be read from it.
Message MessageFromDeadLetter(const queues::Message& dead_letter, bool raw_delivery);

std::string UnsubscribeUrl(const std::string& public_url, std::string_view subscription_arn);
std::string SubscribeUrl(const std::string& public_url,
                         std::string_view topic_arn,
                         std::string_view token);

// Renders messages as SNS sends them. Thread-safe. A signature is made once a message and version,
// when somebody needs it.
class EnvelopeWriter {
 public:
  EnvelopeWriter(const aws::SnsSigner& signer, PublicUrl public_url)
      : signer_(signer), public_url_(std::move(public_url)) {}

  // The body of an HTTP(S) delivery: JSON with " : " and two blanks of indent, keys in SNS's order.
  std::string HttpBody(const Message& message,
                       const Target& target,
                       aws::SnsSignatureVersion version) const;

  enum class Signed { kYes, kNo };
  // One element of a Lambda event's Records[]. Unsigned ones have an empty Signature.
  // SignatureVersion is "1" whatever the topic's version is, as with SNS itself.
  std::string LambdaRecord(const Message& message,
                           const Target& target,
                           aws::SnsSignatureVersion version,
                           Signed with_signature) const;

 private:
  std::string Signature(const Message& message,
                        const std::string& body,
                        const std::string& subscribe_url,
                        aws::SnsSignatureVersion version) const;

  const aws::SnsSigner& signer_;
  const PublicUrl public_url_;
  // By hash of what is signed: subscribers of one topic mostly share it.
  mutable Mutex mutex_;
  mutable std::map<std::string, std::string> signatures_ GUARDED_BY(mutex_);
};

}  // namespace postglass::topics
